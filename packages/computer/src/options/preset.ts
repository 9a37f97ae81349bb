/** Presets: a name, or a name and more: `python+ffmpeg+jq`, `none+ripgrep`. */
import type { Preset } from "../driver.js";
import { expectKeys, expectMatch, expectOneOf, expectText, refuse } from "../expect.js";
import { BOUNDS } from "../limits.js";

export const PRESET_NAMES = ["none", "minimal", "python", "node", "build", "network", "full"] as const satisfies readonly Preset["name"][];

export type PresetOption = string | Partial<Pick<Preset, "name" | "packages" | "script">>;

/** What no package manager takes for a flag. */
const PACKAGE = /^[A-Za-z0-9][A-Za-z0-9.+:=~_/-]{0,127}$/;

export function expectPreset(what: string, value: unknown): Preset {
	if (typeof value === "string") return readPreset(what, value);
	expectKeys(what, value, ["name", "packages", "script"]);
	const { name = "none", packages = [], script = "" } = value as Exclude<PresetOption, string>;
	if (!Array.isArray(packages)) refuse(`${what}.packages`, "a list of names", packages);
	if (Buffer.byteLength(expectText(`${what}.script`, script)) > BOUNDS.scriptBytes) {
		refuse(`${what}.script`, `${BOUNDS.scriptBytes} bytes at most`, script.length);
	}
	return { name: expectOneOf(`${what}.name`, name, PRESET_NAMES), packages: expectPackages(what, packages), script, required: true };
}

function readPreset(what: string, text: string): Preset {
	const [name = "", ...packages] = text.trim().split("+");
	return { name: expectOneOf(what, name, PRESET_NAMES), packages: expectPackages(what, packages), script: "", required: true };
}

function expectPackages(what: string, names: readonly unknown[]): readonly string[] {
	if (names.length > BOUNDS.packages) refuse(what, `${BOUNDS.packages} packages at most`, names.length);
	return names.map((name) => expectMatch(`a package of ${what}`, name, PACKAGE));
}
