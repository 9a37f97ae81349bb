import { ComputerError } from "../../errors/index.js";
import type { Computer } from "../../index.js";
import type { Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import { withFound } from "../open.js";
import { columns, notice, print, printJson } from "../output.js";
import { printable } from "../printable.js";

type State = Awaited<ReturnType<Computer["network"]>>;
type Change = (computer: Computer, signal: AbortSignal) => Promise<State>;

export function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	const change = read(words);
	return withFound(context, async (computer) => {
		const state = await change(computer, interruption.signal);
		const { network } = await computer.inspect();
		if (flags.json) await printJson({ computer: computer.name, network, ...state, notices: computer.notices });
		else {
			await print(network === "open" ? "open: everything can be reached" : shown(state));
			for (const text of computer.notices) await notice(text);
		}
		return 0;
	});
}

/** Before anything is looked for: what the words ask. */
function read([verb = "show", ...rest]: readonly string[]): Change {
	const change = CHANGES[verb];
	if (change === undefined) throw wrongUsage(`expected show, allow, deny, only, none or open, got ${JSON.stringify(verb)}`, "network");
	const alone = ["show", "none", "open"].includes(verb);
	if (alone && rest.length > 0) throw wrongUsage(`expected nothing after ${verb}, got ${JSON.stringify(rest[0])}`, "network");
	if (!alone && rest.length === 0) throw wrongUsage(`expected a rule after ${verb}`, "network");
	return change(rest);
}

const CHANGES: Readonly<Record<string, (rules: readonly string[]) => Change>> = {
	show: () => (computer) => computer.network(),
	none: () => (computer, signal) => computer.setNetwork("none", { signal }),
	open: () => (computer, signal) => computer.setNetwork("open", { signal }),
	only: (allow) => (computer, signal) => computer.setNetwork({ allow }, { signal }),
	allow: (rules) => async (computer, signal) => {
		const { allow } = await computer.network();
		return computer.setNetwork({ allow: [...allow.map(({ word }) => word), ...rules] }, { signal });
	},
	deny: (rules) => async (computer, signal) => {
		const { allow } = await computer.network();
		return computer.setNetwork({ allow: rules.reduce<readonly string[]>(without, words(allow)) }, { signal });
	},
};

function words(allow: State["allow"]): readonly string[] {
	return allow.map(({ word }) => word);
}

function without(allow: readonly string[], rule: string): readonly string[] {
	const word = rule.toLowerCase().replace(/\.$/, "");
	if (allow.includes(word)) return allow.filter((one) => one !== word);
	throw new ComputerError("not_found", `${rule} is not on the allow-list`, {
		hint: allow.length === 0 ? "Nothing is." : `These are: ${allow.join(", ")}.`,
	});
}

function shown({ on, allow, secrets }: State): string {
	if (!on) return "nothing is allowed";
	const rows = [
		...allow.map(({ word, rules }) => ["allow", word, rules.length === 1 && rules[0] === word ? "" : rules.join(" ")]),
		...secrets.map(({ name, host, header, known }) => [
			"secret",
			name,
			`${host} ${header}${known ? "" : `, not known here: set the variable ${name}`}`,
		]),
	];
	return rows.length === 0 ? "nothing is allowed" : columns(rows.map((row) => row.map(printable)));
}
