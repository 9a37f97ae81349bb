/** Settings that a caller names against those that a computer has. What is not named is never a change. */
import { isDeepStrictEqual } from "node:util";
import type { LiveSettings, MachineSpec } from "./driver.js";
import { resolveFolders } from "./options/folder-safety.js";
import { SETTING_NAMES, type SettingName } from "./options/settings.js";
import { machineSpec, type OpenOptions } from "./options.js";

/** Of the process that opens a computer, not of the computer. */
const OF_THE_OPENING = ["driver", "timeoutMs", "maxOutputBytes", "maxComputers"] as const satisfies readonly SettingName[];

type OptionName = Exclude<SettingName, (typeof OF_THE_OPENING)[number]>;

/** What of a computer can be asked for. */
export type MachineOptions = Pick<OpenOptions, OptionName>;

export const OPTION_NAMES: readonly OptionName[] = SETTING_NAMES.filter(
	(name): name is OptionName => !OF_THE_OPENING.some((one) => one === name),
);

/** A machine knows nothing of secrets: they are this host's. */
type MachineKey = Exclude<OptionName, "secrets">;

const MACHINE_KEYS: readonly MachineKey[] = OPTION_NAMES.filter((name): name is MachineKey => name !== "secrets");

/** Those that were given. */
export function pickNamed(options: MachineOptions): MachineOptions {
	return Object.fromEntries(OPTION_NAMES.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]));
}

export interface Change<Key extends MachineKey = MachineKey> {
	readonly key: Key;
	/** All three for people. */
	readonly word: string;
	readonly has: string;
	readonly wanted: string;
}

export function needsRebuild({ word, has, wanted }: Change): string {
	return `${word}: this computer has ${has}, not ${wanted}; a rebuild changes it`;
}

const LIVE_KEYS = ["cpus", "memoryBytes", "pids", "idleStopMs"] as const satisfies readonly (keyof LiveSettings)[];

/** The network has a way of its own. */
export type LiveKey = (typeof LIVE_KEYS)[number] | "network";

export function pickLive(spec: MachineSpec): Pick<MachineSpec, LiveKey> {
	const { cpus, memoryBytes, pids, idleStopMs, network } = spec;
	return { cpus, memoryBytes, pids, idleStopMs, network };
}

/** The same settings but for what the options name. All of these are checked, secrets too. */
export async function withOptions(has: MachineSpec, options: MachineOptions): Promise<MachineSpec> {
	const asked = machineSpec(pickNamed(options));
	const wanted = { ...asked, folders: await resolveFolders(asked.folders) };
	const keys = MACHINE_KEYS.filter((key) => options[key] !== undefined);
	return { ...has, ...Object.fromEntries(keys.map((key) => [key, wanted[key]])) };
}

/** What differs: that which can be changed while the computer runs, and the rest. */
export function compare(
	has: MachineSpec,
	wanted: MachineSpec,
): { readonly live: readonly Change<LiveKey>[]; readonly rest: readonly Change[] } {
	const isLive = (key: MachineKey): key is LiveKey => key === "network" || LIVE_KEYS.some((live) => live === key);
	const change = <Key extends MachineKey>(key: Key): Change<Key> => {
		return { key, word: WORDS[key] ?? key, has: describe(key, has), wanted: describe(key, wanted) };
	};
	// What an older version did not know is no difference.
	const keys = MACHINE_KEYS.filter((key) => has[key] !== undefined && !isDeepStrictEqual(plain(key, has), plain(key, wanted)));
	return { live: keys.filter(isLive).map(change), rest: keys.filter((key) => !isLive(key)).map(change) };
}

function plain(key: MachineKey, spec: MachineSpec): unknown {
	if (key !== "preset") return spec[key];
	const { required: _, ...preset } = spec.preset;
	return preset;
}

const WORDS: Readonly<Partial<Record<MachineKey, string>>> = {
	memoryBytes: "memory",
	diskBytes: "disk",
	idleStopMs: "idle stop",
	env: "variables",
};

/** On one line. The values of variables may be secret. */
function describe(key: MachineKey, spec: MachineSpec): string {
	const list = (parts: readonly string[]): string => (parts.length === 0 ? "none" : parts.join(", "));
	switch (key) {
		case "cpus":
		case "pids":
			return spec[key] === 0 ? "no limit" : String(spec[key]);
		case "memoryBytes":
		case "diskBytes":
			return spec[key] === 0 ? "no limit" : `${Math.round(spec[key] / 1024 / 1024)} MB`;
		case "idleStopMs":
			return spec.idleStopMs === 0 ? "never" : `after ${spec.idleStopMs / 1000} s`;
		case "dns":
			return list(spec.dns);
		case "ports":
			return list(spec.ports.map((port) => `${port.hostAddress}:${port.hostPort}:${port.guestPort}/${port.protocol}`));
		case "folders":
			return list(spec.folders.map((folder) => `${folder.hostPath}:${folder.guestPath}${folder.readOnly ? ":ro" : ""}`));
		case "env":
			return list(Object.keys(spec.env));
		case "preset":
			return [spec.preset.name, ...spec.preset.packages].join("+") + (spec.preset.script === "" ? "" : " and a script");
		default:
			return spec[key] ?? "the engine's own";
	}
}
