import { configuration } from "../../config.js";
import { DEFAULTS } from "../../limits.js";
import { SETTING_NAMES, SETTINGS } from "../../options/settings.js";
import type { Context } from "../commands.js";
import { columns, print, printJson } from "../output.js";
import { printable } from "../printable.js";

export async function run({ flags, words }: Context): Promise<number> {
	const name = words[0] ?? flags.name ?? DEFAULTS.name;
	const { file, settings, sources } = await configuration(name);
	const rows = SETTING_NAMES.map((key) => {
		const given = settings[key];
		return {
			setting: key,
			value: key === "secrets" ? hidden(given ?? []) : (given ?? SETTINGS[key].fallback ?? null),
			source: sources[key] ?? "default",
			variable: SETTINGS[key].variable,
		};
	});
	if (flags.json) await printJson({ name, file, settings: rows });
	else {
		await print(columns([["SETTING", "VALUE", "FROM"], ...rows.map((row) => [row.setting, shown(row.value), printable(row.source)])]));
		await print(`\nFor the computer ${name}. Kept settings: ${printable(file)}`);
	}
	return 0;
}

/** A file may hold a secret's value; a screen should not. */
function hidden(secrets: unknown): unknown {
	return Array.isArray(secrets) ? secrets.map((one) => (typeof one === "object" && one?.value ? { ...one, value: "***" } : one)) : secrets;
}

function shown(value: unknown): string {
	return printable(typeof value === "string" ? value : JSON.stringify(value));
}
