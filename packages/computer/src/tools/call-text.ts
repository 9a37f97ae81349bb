import { showJson } from "./clean.js";
import type { Arguments } from "./tool.js";

/** A call to make next, as text: `Wait(job: "3")`. */
export function callText(name: string, args: Arguments = {}): string {
	const parts = Object.entries(args).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${showJson(value)}`]));
	return `${name}(${parts.join(", ")})`;
}
