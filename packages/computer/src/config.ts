/**
 * Settings that a user keeps: the environment's variables, then a JSON file. What a caller or a flag says comes before both. The file holds the library's
 * options by their names, for every computer and below `computers` for one; text is read as the flag's.
 */
import { open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { ComputerError } from "./errors/index.js";
import { expectKeys, refuse } from "./expect.js";
import { homeFolder } from "./home.js";
import { BOUNDS, NAME_PATTERN } from "./limits.js";
import { readVariable, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from "./options/settings.js";
import type { OpenOptions } from "./options.js";

export type Settings = Pick<OpenOptions, SettingName>;

export interface Configuration {
	readonly settings: Settings;
	/** Where each one that is set comes from: a variable's name, or the file and the place in it. */
	readonly sources: Readonly<Partial<Record<SettingName, string>>>;
	/** Where the file is, or would be. */
	readonly file: string;
}

export interface ConfigHost {
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly home: string;
}

/** What the environment and the file say for a computer. `invalid_argument` says which of them is wrong, and how. */
export async function configuration(name: string, host: ConfigHost = thisHost()): Promise<Configuration> {
	const file = configFile(host);
	const settings: Record<string, unknown> = {};
	const sources: Partial<Record<SettingName, string>> = {};
	const content = await readConfig(file);
	for (const [place, values] of [["", content.all] as const, [`computers.${name}.`, content.computers[name] ?? {}] as const]) {
		for (const key of SETTING_NAMES) {
			if (values[key] === undefined) continue;
			settings[key] = within(`${file}: ${place}${key}`, () => fromJson(key, values[key]));
			sources[key] = `${file}: ${place}${key}`;
		}
	}
	for (const key of SETTING_NAMES) {
		const { variable } = SETTINGS[key];
		const text = host.env[variable];
		// Set and empty is not set, as shells' users mean it.
		if (text === undefined || text === "") continue;
		settings[key] = within(variable, () => readVariable(key, text));
		sources[key] = variable;
	}
	return { settings, sources, file };
}

/** LMS_COMPUTER_CONFIG; else lms-computer/config.json below XDG_CONFIG_HOME or ~/.config. Works with an empty environment. */
export function configFile({ env, home }: ConfigHost): string {
	const chosen = env["LMS_COMPUTER_CONFIG"];
	if (chosen) return chosen;
	const xdg = env["XDG_CONFIG_HOME"];
	return join(xdg && isAbsolute(xdg) ? xdg : join(home, ".config"), "lms-computer", "config.json");
}

type Values = Readonly<Record<string, unknown>>;

interface Content {
	readonly all: Values;
	readonly computers: Readonly<Record<string, Values>>;
}

async function readConfig(file: string): Promise<Content> {
	const text = await readBounded(file);
	if (text === undefined) return { all: {}, computers: {} };
	return within(file, () => {
		const { computers = {}, ...all } = parse(text);
		if (typeof computers !== "object" || computers === null || Array.isArray(computers)) refuse("computers", "an object", computers);
		expectKeys("the configuration", all, SETTING_NAMES);
		for (const [name, values] of Object.entries(computers)) {
			if (!NAME_PATTERN.test(name)) refuse("a name in computers", `text like ${NAME_PATTERN.source}`, name);
			expectKeys(`computers.${name}`, values, SETTING_NAMES);
		}
		return { all, computers: computers as Content["computers"] };
	});
}

function parse(text: string): Record<string, unknown> {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		refuse("the file", `JSON (${(error as Error).message})`, text);
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) refuse("the file", "one JSON object", value);
	return value as Record<string, unknown>;
}

async function readBounded(file: string): Promise<string | undefined> {
	try {
		const handle = await open(file);
		try {
			const { bytesRead, buffer } = await handle.read(Buffer.alloc(BOUNDS.configBytes + 1), 0, BOUNDS.configBytes + 1, 0);
			if (bytesRead > BOUNDS.configBytes) throw new Error(`it is over ${BOUNDS.configBytes} bytes`);
			return buffer.toString("utf8", 0, bytesRead);
		} finally {
			await handle.close();
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw new ComputerError("invalid_argument", `expected a configuration in ${file} that can be read: ${(error as Error).message}`, {
			hint: "Mend the file, or set LMS_COMPUTER_CONFIG to another one.",
			cause: error,
		});
	}
}

/** Text is what the flag takes; all else is what the library takes. */
function fromJson(key: SettingName, value: unknown): unknown {
	const { check, read, several } = SETTINGS[key] as Setting<unknown>;
	const meant = typeof value === "string" && !several ? read(value) : value;
	check(meant);
	return meant;
}

/** The same error, and where it comes from. */
function within<T>(place: string, run: () => T): T {
	try {
		return run();
	} catch (error) {
		if (!(error instanceof ComputerError)) throw error;
		throw new ComputerError(error.code, `${place}: ${error.message}`, {
			hint: error.hint,
			context: { ...error.context, place },
			cause: error,
		});
	}
}

function thisHost(): ConfigHost {
	return { env: process.env, home: homeFolder() };
}
