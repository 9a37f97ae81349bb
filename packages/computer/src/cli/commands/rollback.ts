import type { Context } from "../commands.js";
import { withFound } from "../open.js";
import { print, printJson } from "../output.js";
import { printable } from "../printable.js";

export function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	return withFound(context, async (computer) => {
		const id = words[0] ?? "";
		await computer.rollback(id, { signal: interruption.signal });
		if (flags.json) await printJson({ computer: computer.name, checkpoint: id });
		else await print(printable(id));
		return 0;
	});
}
