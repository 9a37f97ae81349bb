/** A machine's labels are its record: no file on the host says that it exists. */
import type { MachineSpec } from "../../driver.js";

export const LABELS = {
	own: "lms-computer",
	name: "lms-computer.name",
	/** As asked for; the container's own is the prepared one. */
	image: "lms-computer.image",
	agent: "lms-computer.agent",
	spec: "lms-computer.spec",
} as const;

export function labelsFor(spec: MachineSpec, agentHash: string): Record<string, string> {
	return {
		[LABELS.own]: "1",
		[LABELS.name]: spec.name,
		[LABELS.image]: spec.image,
		[LABELS.agent]: agentHash,
		[LABELS.spec]: JSON.stringify(spec),
	};
}

/** The limits asked for. Labels can be anybody's: what is no number is left out. */
export function askedLimits(labels: Readonly<Record<string, string>>): { cpus: number; memoryBytes: number; pids: number } {
	let spec: Record<string, unknown> = {};
	try {
		const parsed: unknown = JSON.parse(labels[LABELS.spec] ?? "{}");
		if (typeof parsed === "object" && parsed !== null) spec = parsed as Record<string, unknown>;
	} catch {
		// Not ours, or damaged: nothing is known to have been asked for.
	}
	const number = (key: string): number => (typeof spec[key] === "number" ? spec[key] : 0);
	return { cpus: number("cpus"), memoryBytes: number("memoryBytes"), pids: number("pids") };
}
