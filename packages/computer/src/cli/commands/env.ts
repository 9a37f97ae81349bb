import type { Computer } from "../../index.js";
import type { Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import { withFound } from "../open.js";
import { print, printJson } from "../output.js";
import { printable } from "../printable.js";

export function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	const change = read(words);
	return withFound(context, async (computer) => {
		const variables = await change(computer.environment, interruption.signal);
		if (flags.json) await printJson(variables);
		else if (words.length === 0) for (const name of Object.keys(variables).sort()) await print(printable(`${name}=${variables[name]}`));
		return 0;
	});
}

type Change = (environment: Computer["environment"], signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;

/** Before anything is looked for: what the words ask. */
function read([verb, ...rest]: readonly string[]): Change {
	if (verb === undefined) return (environment, signal) => environment.list({ signal });
	if (verb !== "set" && verb !== "unset") throw wrongUsage(`expected set or unset, got ${JSON.stringify(verb)}`, "env");
	if (rest.length === 0) throw wrongUsage(`expected ${verb === "set" ? "NAME=value" : "a name"} after ${verb}`, "env");
	for (const word of rest) {
		if (verb === "set" ? SETTING.test(word) : NAME.test(word)) continue;
		throw wrongUsage(`expected ${verb === "set" ? "NAME=value" : "a name"} of letters, digits and _, got ${JSON.stringify(word)}`, "env");
	}
	if (verb === "unset") return (environment, signal) => environment.unset(rest, { signal });
	const values = Object.fromEntries(rest.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
	return (environment, signal) => environment.set(values, { signal });
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SETTING = /^[A-Za-z_][A-Za-z0-9_]*=/;
