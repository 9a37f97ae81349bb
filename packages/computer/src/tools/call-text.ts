import { showJson } from "./clean.js";
import type { Arguments } from "./tool.js";

/** A call to make next, as text: `Wait(job: "3")`. */
export function callText(name: string, args: Arguments = {}): string {
	const parts = Object.entries(args).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${showJson(value)}`]));
	return `${name}(${parts.join(", ")})`;
}

/** The line that proposes calls, each with what it does: of those that can be said, and none where none can. */
export function nextLine(...proposals: readonly (readonly [call: string, does?: string])[]): string[] {
	const said = proposals.filter(([call]) => call !== "").map((proposal) => proposal.join(" "));
	return said.length === 0 ? [] : [`next: ${said.join("; ")}`];
}
