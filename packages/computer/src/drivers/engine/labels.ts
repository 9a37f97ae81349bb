/** A machine's labels are its record: no file on the host says that it exists. */
import type { MachineSpec } from "../../driver.js";
import { SPARE_PATTERN } from "../../limits.js";
import { completeSpec } from "../earlier-specs.js";
import type { Limits } from "./container-options.js";
import type { PreparedImage } from "./prepared-image.js";

/** Before the name of a computer, in that of its container. */
export const CONTAINER_PREFIX = "lms-computer-";

export const LABELS = {
	own: "lms-computer",
	name: "lms-computer.name",
	/** As asked for; the container's own is the prepared one. */
	image: "lms-computer.image",
	agent: "lms-computer.agent",
	spec: "lms-computer.spec",
	/** Whose it is: see ../ownership.ts. */
	owner: "lms-computer.owner",
	/** `ephemeral` or `persistent`; earlier versions left out the latter. */
	persistence: "lms-computer.persistence",
	/** The tag that keeps the image this container is made from, where that is a checkpoint's. */
	held: "lms-computer.held",
	/** Why the preset that nobody asked for is not there. */
	lacks: "lms-computer.lacks",
} as const;

/** A machine's name is on its label, which can not be changed: of a spare that was handed out it is the container's own. */
export function machineName(containerNames: readonly string[], labels: Readonly<Record<string, string>> | undefined): string {
	const label = labels?.[LABELS.name] ?? "";
	if (!SPARE_PATTERN.test(label)) return label;
	const named = containerNames.map((name) => name.replace(/^\//, "")).find((name) => name.startsWith(CONTAINER_PREFIX));
	return named?.slice(CONTAINER_PREFIX.length) ?? label;
}

export function labelsFor(spec: MachineSpec, image: Pick<PreparedImage, "agentHash" | "lacks">, owner: string): Record<string, string> {
	return {
		[LABELS.own]: "1",
		[LABELS.name]: spec.name,
		[LABELS.image]: spec.image,
		[LABELS.agent]: image.agentHash,
		[LABELS.owner]: owner,
		[LABELS.spec]: JSON.stringify(spec),
		// These are always said: an image that was made from a machine, or by a stranger, has labels of its own, and a container takes over what it is not told.
		[LABELS.persistence]: spec.persistence,
		[LABELS.lacks]: image.lacks ?? "",
	};
}

/** The limits asked for. Labels can be anybody's: what is no number is left out. */
export function askedLimits(labels: Readonly<Record<string, string>>): Limits {
	let spec: Record<string, unknown> = {};
	try {
		const parsed: unknown = JSON.parse(labels[LABELS.spec] ?? "{}");
		if (typeof parsed === "object" && parsed !== null) spec = parsed as Record<string, unknown>;
	} catch {
		// Not ours, or damaged: nothing is known to have been asked for.
	}
	const number = (key: string): number => (typeof spec[key] === "number" ? spec[key] : 0);
	return { cpus: number("cpus"), memoryBytes: number("memoryBytes"), pids: number("pids"), diskBytes: number("diskBytes") };
}

/** What the machine was made from; undefined when the label is not one that this version wrote. */
export function specOf(labels: Readonly<Record<string, string>>): MachineSpec | undefined {
	try {
		const spec = JSON.parse(labels[LABELS.spec] ?? "") as Partial<MachineSpec> | null;
		return typeof spec?.name === "string" && typeof spec.hostname === "string" && typeof spec.env === "object"
			? completeSpec(spec as MachineSpec)
			: undefined;
	} catch {
		return undefined;
	}
}
