import type { Context } from "../commands.js";
import { withFound } from "../open.js";
import { print, printJson } from "../output.js";
import { printable } from "../printable.js";

export function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	return withFound(context, async (computer) => {
		const made = await computer.checkpoint(words[0], { signal: interruption.signal });
		if (flags.json) await printJson(made);
		else await print(printable(made.id));
		return 0;
	});
}
