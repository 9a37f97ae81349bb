import { type Availability, type Capabilities, diagnose } from "../../index.js";
import type { Context } from "../commands.js";
import { columns, print, printJson } from "../output.js";
import { printable } from "../printable.js";

/** Every capability that is a yes or a no: the compiler asks for the words of a new one. */
const CAN: Readonly<Record<Exclude<keyof Capabilities, "boundary" | "rootless" | "switchNetwork">, string>> = {
	images: "images of your choice",
	installPresets: "presets",
	writableSystem: "installing packages",
	otherUsers: "other users than root",
	sharedFolders: "shared folders",
	openNetwork: "open network",
	publishPorts: "published ports",
	limitCpus: "CPU limit",
	limitMemory: "memory limit",
	limitDisk: "disk limit",
	limitPids: "process limit",
	checkpoints: "checkpoints",
};

export async function run({ flags, interruption }: Context): Promise<number> {
	const reports = await diagnose({ signal: interruption.signal });
	const first = reports.find((report) => report.availability.usable)?.name;
	if (flags.json) await printJson({ usable: first !== undefined, first: first ?? null, drivers: reports });
	else {
		await print(columns(reports.flatMap(({ name, availability }) => rows(name, availability))));
		await print(
			first === undefined ? "\nNo driver is usable here." : `\nA new computer is made with ${first}, unless --driver says otherwise.`,
		);
	}
	return first === undefined ? 1 : 0;
}

function rows(name: string, availability: Availability): string[][] {
	if (!availability.usable) {
		return [
			[name, "not usable", printable(availability.reason)],
			["", "to do", printable(availability.hint)],
			...availability.tried.map(({ endpoint, reason }) => ["", "tried", printable(`${endpoint}: ${reason}`)]),
		];
	}
	const { capabilities, endpoint, version } = availability;
	const named = (wanted: boolean) =>
		Object.entries(CAN).flatMap(([key, what]) => (capabilities[key as keyof typeof CAN] === wanted ? [what] : []));
	const missing = named(false);
	return [
		[name, "usable", printable(`version ${version}, at ${endpoint}${capabilities.rootless ? ", without root" : ""}`)],
		["", "boundary", capabilities.boundary.replace("-", " ")],
		["", "can", named(true).join(", ")],
		...(missing.length === 0 ? [] : [["", "cannot", missing.join(", ")]]),
	];
}
