/** What a caller may ask of a computer, and what a machine is made from then. */
import type { Abortable, DriverName, MachineSpec, Progress } from "./driver.js";
import type { SecretOption } from "./egress/secrets.js";
import { expectKeys, expectMatch, refuse } from "./expect.js";
import { COMPARED_PATTERN, DEFAULTS, NAME_PATTERN, SPARE_PATTERN } from "./limits.js";
import type { AskedFolder, FolderOption } from "./options/folders.js";
import type { PortOption } from "./options/ports.js";
import type { PresetOption } from "./options/preset.js";
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from "./options/settings.js";
import type { PoolOptions } from "./pool.js";

export interface OpenOptions extends Abortable {
	/** One computer per name. `[a-z0-9][a-z0-9_.-]{0,62}`, default "default". */
	readonly name?: string | undefined;
	/** Default "auto": where a computer of that name is already, else the first usable of docker, podman, namespace. */
	readonly driver?: "auto" | DriverName | undefined;
	/** Default ubuntu:24.04. The namespace driver uses the host's own system instead. */
	readonly image?: string | undefined;
	/** What is installed before it is first made: a name, `python+jq`, or a list of packages and a script. Default "minimal", as far as that can be had. */
	readonly preset?: PresetOption | undefined;
	/** 0 means no limit. Default 2. */
	readonly cpus?: number | undefined;
	/** 0 means no limit, else 16 MiB or more. Default 1 GiB. */
	readonly memoryBytes?: number | undefined;
	/** Of what it writes. 0 means no limit, else 16 MiB or more. Default 4 GiB. */
	readonly diskBytes?: number | undefined;
	/** Processes and threads. 0 means no limit, else 16 or more. Default 512. */
	readonly pids?: number | undefined;
	/** Default "none". An allow-list has rules such as `api.example.com`, `*.example.org`, `github.com:443`, and presets such as `pip`. */
	readonly network?: "none" | "open" | { readonly allow: readonly string[] } | undefined;
	/** Values that the guest never has: this host puts them into a header, for one host alone, which is allowed with it. `NAME@HOST` takes the variable NAME. */
	readonly secrets?: readonly (string | SecretOption)[] | undefined;
	/** Addresses of name servers for an open network. Default: the engine's own. */
	readonly dns?: readonly string[] | undefined;
	/** Ports of this host that lead to the guest's: `8080:80`, `127.0.0.1:8080:80`, `8000-8010:8000-8010`. On 127.0.0.1 unless an address is named. */
	readonly ports?: readonly PortOption[] | undefined;
	/** Folders of this host that the guest sees: `DIRECTORY[:/GUEST/DIRECTORY][:ro]`. Default place: /mnt/shared. */
	readonly folders?: readonly FolderOption[] | undefined;
	/** Of every session and command. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** Default lms-computer. */
	readonly hostname?: string | undefined;
	/** Who programs run as: a name of the guest, `1000` or `1000:1000`. Default root, of the guest alone. */
	readonly user?: string | undefined;
	/** An OCI runtime such as `runsc`. Default: the engine's own. */
	readonly runtime?: string | undefined;
	/** Ephemeral: nothing is left of it when its last holder has let go. Default "persistent". */
	readonly persistence?: "persistent" | "ephemeral" | undefined;
	/** Without a call and a command for so long it stops; the next call starts it. 1,000 to 23 days, 0 means never, the default. */
	readonly idleStopMs?: number | undefined;
	/** Of `exec` without one of its own: see there. Default 30,000. */
	readonly timeoutMs?: number | undefined;
	/** Of `exec` without one of its own: see there. Default 1 MiB. */
	readonly maxOutputBytes?: number | undefined;
	/** A computer past so many of one's own on one driver is not made: `limit_reached`. 0 means no limit. Default 100. */
	readonly maxComputers?: number | undefined;
	/** Keeps so many computers like this one ready in the background, for as long as this process lives: ephemeral ones alone. Default: none. */
	readonly pool?: PoolOptions | undefined;
	readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A spec whose folders were not looked at yet. */
export interface AskedSpec extends MachineSpec {
	readonly folders: readonly AskedFolder[];
}

const KEYS = ["name", ...SETTING_NAMES, "pool", "onProgress", "signal"] as const satisfies readonly (keyof OpenOptions)[];

export function driverChoice(value: unknown): "auto" | DriverName {
	return SETTINGS.driver.check(value ?? SETTINGS.driver.fallback);
}

export function computerName(value: unknown): string {
	return expectMatch("name", value, NAME_PATTERN);
}

/** Of a computer to be made: not what is made here for a moment, and cleared away by its name. */
export function newComputerName(value: unknown): string {
	const name = computerName(value);
	if (SPARE_PATTERN.test(name) || COMPARED_PATTERN.test(name)) {
		refuse(
			"name",
			"one that is not like those of the computers for a comparison or a pool (diff-… and pool-… with twelve hex digits)",
			name,
		);
	}
	return name;
}

/** Every option checked, every default filled in. */
export function machineSpec(options: OpenOptions): AskedSpec {
	expectKeys("the options", options, KEYS);
	if (options.onProgress !== undefined && typeof options.onProgress !== "function") refuse("onProgress", "a function", options.onProgress);
	const {
		driver: _,
		timeoutMs: _timeoutMs,
		maxOutputBytes: _maxOutputBytes,
		maxComputers: _max,
		network,
		secrets,
		...machine
	} = checked(options);
	if (network === "open" && secrets.length > 0)
		refuse("network", "an allow-list, for secrets to be put into what goes through it", network);
	// A way out through this host is none of the machine's: it has no network.
	return { name: newComputerName(options.name ?? DEFAULTS.name), ...machine, network: network === "open" ? "open" : "none" };
}

type Checked = { readonly [Name in SettingName]: ReturnType<(typeof SETTINGS)[Name]["check"]> };

function checked(options: OpenOptions): Checked {
	const entries = SETTING_NAMES.map((name) => {
		const { check, fallback } = SETTINGS[name] as Setting<unknown>;
		const value = options[name];
		return [name, value === undefined ? fallback : check(value)];
	});
	return Object.fromEntries(entries) as Checked;
}
