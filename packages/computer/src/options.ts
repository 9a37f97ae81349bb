import type { Abortable, DriverName, MachineSpec, Progress } from "./driver.js";
import { expectEnv, expectKeys, expectMatch, expectOneOf, expectText, expectWhole, refuse } from "./expect.js";
import { DEFAULTS, NAME_PATTERN } from "./limits.js";

export const DRIVER_NAMES = ["docker", "podman", "namespace"] as const satisfies readonly DriverName[];

export interface OpenOptions extends Abortable {
	/** One computer per name. `[a-z0-9][a-z0-9_.-]{0,62}`, default "default". */
	readonly name?: string | undefined;
	/** Default "auto": where a computer of that name is already, else the first usable of docker, podman, namespace. */
	readonly driver?: "auto" | DriverName | undefined;
	/** Default ubuntu:24.04. The namespace driver uses the host's own system instead. */
	readonly image?: string | undefined;
	readonly hostname?: string | undefined;
	/** 0 means no limit. Default 2. */
	readonly cpus?: number | undefined;
	/** 0 means no limit, else 16 MiB or more. Default 1 GiB. */
	readonly memoryBytes?: number | undefined;
	/** Processes and threads. 0 means no limit, else 16 or more. Default 512. */
	readonly pids?: number | undefined;
	/** Default "none". */
	readonly network?: "none" | "open" | undefined;
	/** Of every session and command. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** An OCI runtime such as `runsc`. Default: the engine's own. */
	readonly runtime?: string | undefined;
	readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const KEYS = [
	"name",
	"driver",
	"image",
	"hostname",
	"cpus",
	"memoryBytes",
	"pids",
	"network",
	"env",
	"runtime",
	"onProgress",
	"signal",
] as const satisfies readonly (keyof OpenOptions)[];

const HOSTNAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/;
const RUNTIME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
/** Less does not boot an agent and a shell. */
const MIN_MEMORY_BYTES = 16 * 1024 * 1024;
const MIN_PIDS = 16;

export function driverChoice(value: unknown): "auto" | DriverName {
	return expectOneOf("driver", value ?? "auto", ["auto", ...DRIVER_NAMES]);
}

export function computerName(value: unknown): string {
	return expectMatch("name", value, NAME_PATTERN);
}

/** Every option checked, every default filled in. */
export function machineSpec(options: OpenOptions): MachineSpec {
	expectKeys("the options", options, KEYS);
	if (options.onProgress !== undefined && typeof options.onProgress !== "function") refuse("onProgress", "a function", options.onProgress);
	const image = expectText("image", options.image ?? DEFAULTS.image);
	if (!/^[^\s-][^\s]{0,511}$/.test(image)) refuse("image", "an image reference", image);
	return {
		name: computerName(options.name ?? DEFAULTS.name),
		image,
		hostname: expectMatch("hostname", options.hostname ?? DEFAULTS.hostname, HOSTNAME),
		cpus: cpus(options.cpus ?? DEFAULTS.cpus),
		memoryBytes: limit("memoryBytes", options.memoryBytes ?? DEFAULTS.memoryBytes, MIN_MEMORY_BYTES),
		pids: limit("pids", options.pids ?? DEFAULTS.pids, MIN_PIDS),
		network: expectOneOf("network", options.network ?? DEFAULTS.network, ["none", "open"]),
		env: expectEnv("env", options.env ?? {}),
		runtime: options.runtime === undefined ? undefined : expectMatch("runtime", options.runtime, RUNTIME),
	};
}

function cpus(value: unknown): number {
	if (typeof value === "number" && (value === 0 || (value >= 0.01 && value <= 1024))) return value;
	return refuse("cpus", "0 or a number from 0.01 to 1024", value);
}

function limit(what: string, value: unknown, min: number): number {
	if (value === 0) return 0;
	return expectWhole(what, value, min, Number.MAX_SAFE_INTEGER);
}
