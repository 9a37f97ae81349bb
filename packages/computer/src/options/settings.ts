/**
 * What a computer can be told, each once: its flag, its variable, how its text is read and what is allowed. The library's options, the command line, the
 * environment and the configuration file are all this table.
 */
import type { MachineSpec } from "../driver.js";
import { expectAllow, PRESETS } from "../egress/presets.js";
import { expectSecrets, type Secret } from "../egress/secrets.js";
import { expectEnv, expectKeys, expectMatch, expectOneOf, expectText, expectWhole, refuse } from "../expect.js";
import { BOUNDS, DEFAULTS, LIFE } from "../limits.js";
import type { OpenOptions } from "../options.js";
import { type AskedFolder, expectFolders } from "./folders.js";
import { expectAddress, expectPorts } from "./ports.js";
import { expectPreset, PRESET_NAMES } from "./preset.js";
import { readBytes, readDuration, readNumber } from "./units.js";

export const DRIVER_NAMES = ["docker", "podman", "namespace"] as const;

export interface Setting<T> {
	/** In commander's notation. */
	readonly flag: string;
	readonly help: string;
	/** The variable of the environment. */
	readonly variable: string;
	readonly fallback: T;
	/** Whatever a program passed, or a JSON file holds. Throws `invalid_argument`. */
	check(value: unknown): T;
	/** From text to something for `check`. */
	read(text: string): unknown;
	/** The flag may be given several times, and the variable holds several, between commas. */
	readonly several?: boolean;
	/** It is of this process's calls, not of the machine. */
	readonly ofCalls?: boolean;
}

const MIB = 1024 * 1024;
const HOSTNAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/;
const RUNTIME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
const USER = /^([a-z_][a-z0-9_-]{0,31}|\d{1,10})(:\d{1,10})?$/;

const asText = (text: string): unknown => text;

function setting<T>(of: Setting<T>): Setting<T> {
	return of;
}

export const SETTINGS = {
	driver: setting<"auto" | (typeof DRIVER_NAMES)[number]>({
		flag: "-d, --driver <driver>",
		help: `auto, ${DRIVER_NAMES.join(", ")} (default: where the computer is, else the first usable one)`,
		variable: "LMS_COMPUTER_DRIVER",
		fallback: "auto",
		check: (value) => expectOneOf("driver", value, ["auto", ...DRIVER_NAMES]),
		read: asText,
	}),
	image: setting<string>({
		flag: "--image <image>",
		help: `the image it is made from (default: ${DEFAULTS.image}; the namespace driver has the host's own system)`,
		variable: "LMS_COMPUTER_IMAGE",
		fallback: DEFAULTS.image,
		check: (value) =>
			/^[^\s-][^\s]{0,511}$/.test(expectText("image", value)) ? (value as string) : refuse("image", "an image reference", value),
		read: asText,
	}),
	preset: setting<MachineSpec["preset"]>({
		flag: "--preset <preset>",
		help: `what is installed first: ${PRESET_NAMES.join(", ")}, or with more packages, such as python+jq (default: ${DEFAULTS.preset})`,
		variable: "LMS_COMPUTER_PRESET",
		fallback: { name: DEFAULTS.preset, packages: [], script: "", required: false },
		check: (value) => expectPreset("preset", value),
		read: asText,
	}),
	cpus: setting<number>({
		flag: "--cpus <number>",
		help: `processors, 0 for all (default: ${DEFAULTS.cpus})`,
		variable: "LMS_COMPUTER_CPUS",
		fallback: DEFAULTS.cpus,
		check: (value) => (value === 0 ? 0 : inRange("cpus", value, BOUNDS.cpus.min, BOUNDS.cpus.max)),
		read: (text) => readNumber("cpus", text),
	}),
	memoryBytes: setting<number>({
		flag: "--memory <bytes>",
		help: `memory, such as 512m, 0 for all (default: ${DEFAULTS.memoryBytes / MIB}m)`,
		variable: "LMS_COMPUTER_MEMORY",
		fallback: DEFAULTS.memoryBytes,
		check: (value) => limit("memoryBytes", value, BOUNDS.memoryBytes.min),
		read: (text) => readBytes("memoryBytes", text),
	}),
	diskBytes: setting<number>({
		flag: "--disk <bytes>",
		help: `what it may write, such as 8g, 0 for no limit (default: ${DEFAULTS.diskBytes / MIB}m)`,
		variable: "LMS_COMPUTER_DISK",
		fallback: DEFAULTS.diskBytes,
		check: (value) => limit("diskBytes", value, BOUNDS.diskBytes.min),
		read: (text) => readBytes("diskBytes", text),
	}),
	pids: setting<number>({
		flag: "--pids <number>",
		help: `processes and threads, 0 for no limit (default: ${DEFAULTS.pids})`,
		variable: "LMS_COMPUTER_PIDS",
		fallback: DEFAULTS.pids,
		check: (value) => limit("pids", value, BOUNDS.pids.min),
		read: (text) => readNumber("pids", text),
	}),
	network: setting<"none" | "open" | { readonly allow: readonly string[] }>({
		flag: "--network <mode>",
		help: `none, open, or what is allowed, between commas: rules such as *.example.org and presets: ${Object.keys(PRESETS).join(", ")} (default: ${DEFAULTS.network})`,
		variable: "LMS_COMPUTER_NETWORK",
		fallback: DEFAULTS.network,
		check: (value) => {
			if (typeof value !== "object" || value === null) return expectOneOf<"none" | "open">("network", value, ["none", "open"]);
			expectKeys("network", value, ["allow"]);
			return { allow: expectAllow("network.allow", (value as { allow?: unknown }).allow) };
		},
		read: (text) => (text === "none" || text === "open" ? text : { allow: text.split(",") }),
	}),
	secrets: setting<readonly Secret[]>({
		flag: "--secret <NAME@host>",
		help: "the variable NAME of this host, put into requests to that host and never seen inside; NAME@HOST[:PORT][=HEADER]; may be given several times",
		variable: "LMS_COMPUTER_SECRETS",
		fallback: [],
		check: (value) => expectSecrets("secrets", value),
		read: asText,
		several: true,
	}),
	dns: setting<readonly string[]>({
		flag: "--dns <address>",
		help: "a name server, with an open network; may be given several times",
		variable: "LMS_COMPUTER_DNS",
		fallback: [],
		check: (value) => list("dns", value, BOUNDS.dns).map((address) => expectAddress("dns", address)),
		read: asText,
		several: true,
	}),
	ports: setting<MachineSpec["ports"]>({
		flag: "-p, --publish <ports>",
		help: "HOSTPORT:GUESTPORT on 127.0.0.1, with an open network; also ADDRESS:8080:80 and ranges; may be given several times",
		variable: "LMS_COMPUTER_PORTS",
		fallback: [],
		check: (value) => expectPorts("ports", value),
		read: asText,
		several: true,
	}),
	folders: setting<readonly AskedFolder[]>({
		flag: "--folder <folder>",
		help: `share DIRECTORY[:/GUEST/DIRECTORY][:ro] (default place: ${DEFAULTS.sharedFolder}); may be given several times`,
		variable: "LMS_COMPUTER_FOLDERS",
		fallback: [],
		check: (value) => expectFolders("folders", value),
		read: asText,
		several: true,
	}),
	env: setting<MachineSpec["env"]>({
		flag: "--set-env <NAME=value>",
		help: "a variable of every session and command; may be given several times",
		variable: "LMS_COMPUTER_ENV",
		fallback: {},
		check: (value) => expectEnv("env", Array.isArray(value) ? Object.fromEntries(value.map(readPair)) : value),
		read: asText,
		several: true,
	}),
	hostname: setting<string>({
		flag: "--hostname <name>",
		help: `its host name (default: ${DEFAULTS.hostname})`,
		variable: "LMS_COMPUTER_HOSTNAME",
		fallback: DEFAULTS.hostname,
		check: (value) => expectMatch("hostname", value, HOSTNAME),
		read: asText,
	}),
	user: setting<string>({
		flag: "--user <user>",
		help: `who programs run as: a name, 1000 or 1000:1000 (default: ${DEFAULTS.user})`,
		variable: "LMS_COMPUTER_USER",
		fallback: DEFAULTS.user,
		check: (value) => expectMatch("user", value, USER),
		read: asText,
	}),
	runtime: setting<string | undefined>({
		flag: "--runtime <runtime>",
		help: "an OCI runtime such as runsc (default: the engine's own)",
		variable: "LMS_COMPUTER_RUNTIME",
		fallback: undefined,
		check: (value) => expectMatch("runtime", value, RUNTIME),
		read: asText,
	}),
	persistence: setting<MachineSpec["persistence"]>({
		flag: "--persistence <how>",
		help: `persistent, or ephemeral: nothing is left when its last holder lets go (default: ${DEFAULTS.persistence})`,
		variable: "LMS_COMPUTER_PERSISTENCE",
		fallback: DEFAULTS.persistence,
		check: (value) => expectOneOf("persistence", value, ["persistent", "ephemeral"]),
		read: asText,
	}),
	idleStopMs: setting<number>({
		flag: "--idle-stop <time>",
		help: "stop it after so long without a call and a command, such as 30m, 0 for never (default: 0)",
		variable: "LMS_COMPUTER_IDLE_STOP",
		fallback: DEFAULTS.idleStopMs,
		check: (value) => (value === 0 ? 0 : expectWhole("idleStopMs", value, BOUNDS.idleStopMs.min, BOUNDS.idleStopMs.max)),
		read: (text) => readDuration("idleStopMs", text),
	}),
	timeoutMs: setting<number>({
		flag: "-t, --timeout <time>",
		help: `time limit of a command, in seconds or such as 5m, 0 for none (default: ${DEFAULTS.timeoutMs / 1000}, at most ${BOUNDS.timeoutMs.max / 1000})`,
		variable: "LMS_COMPUTER_TIMEOUT",
		fallback: DEFAULTS.timeoutMs,
		check: (value) => expectWhole("timeoutMs", value, 0, BOUNDS.timeoutMs.max),
		read: (text) => readDuration("timeoutMs", text),
		ofCalls: true,
	}),
	maxOutputBytes: setting<number>({
		flag: "--max-output <bytes>",
		help: `how much of each stream a result holds, such as 64k (default: ${DEFAULTS.maxOutputBytes / 1024}k)`,
		variable: "LMS_COMPUTER_MAX_OUTPUT",
		fallback: DEFAULTS.maxOutputBytes,
		check: (value) => expectWhole("maxOutputBytes", value, BOUNDS.maxOutputBytes.min, BOUNDS.maxOutputBytes.max),
		read: (text) => readBytes("maxOutputBytes", text),
		ofCalls: true,
	}),
	maxComputers: setting<number>({
		flag: "--max-computers <number>",
		help: `refuse to make a computer past so many on one driver, 0 for no limit (default: ${LIFE.maxComputers})`,
		variable: "LMS_COMPUTER_MAX_COMPUTERS",
		fallback: LIFE.maxComputers,
		check: (value) => expectWhole("maxComputers", value, 0, Number.MAX_SAFE_INTEGER),
		read: (text) => readNumber("maxComputers", text),
	}),
} as const;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** The value of a flag; `before` is what the same flag gave so far. Wrong text is refused where it is given. */
export function readFlag<Name extends SettingName>(name: Name, text: string, before?: unknown): OpenOptions[Name] {
	const { check, read, several } = SETTINGS[name] as Setting<unknown>;
	const value = several ? [...((before as readonly unknown[] | undefined) ?? []), read(text)] : read(text);
	check(value);
	return value as OpenOptions[Name];
}

/** The value of a variable. */
export function readVariable(name: SettingName, text: string): unknown {
	const { check, read, several } = SETTINGS[name] as Setting<unknown>;
	const value = several ? splitList(text).map(read) : read(text);
	check(value);
	return value;
}

/** Commas part the members of a variable; one that belongs to a member is written twice. */
function splitList(text: string): readonly string[] {
	return text
		.replaceAll(",,", "\0")
		.split(",")
		.map((part) => part.replaceAll("\0", ",").trim())
		.filter((part) => part !== "");
}

function readPair(text: unknown): readonly [string, string] {
	const at = typeof text === "string" ? text.indexOf("=") : -1;
	if (typeof text !== "string" || at < 1) refuse("env", "NAME=value", text);
	return [text.slice(0, at), text.slice(at + 1)];
}

function list(what: string, value: unknown, max: number): readonly unknown[] {
	if (!Array.isArray(value)) refuse(what, "a list", value);
	return value.length <= max ? value : refuse(what, `${max} at most`, value.length);
}

function inRange(what: string, value: unknown, min: number, max: number): number {
	if (typeof value === "number" && value >= min && value <= max) return value;
	return refuse(what, `0 or a number from ${min} to ${max}`, value);
}

function limit(what: string, value: unknown, min: number): number {
	return value === 0 ? 0 : expectWhole(what, value, min, Number.MAX_SAFE_INTEGER);
}
