import type { Context } from "../commands.js";
import { withJob } from "../job.js";
import { print, printJson } from "../output.js";
import { printable } from "../printable.js";

export function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	return withJob(context, async (commands, id) => {
		const state = await commands.kill(id, { signalName: flags.signal, signal: interruption.signal });
		if (flags.json) await printJson(state);
		else await print(printable(state.id));
		return 0;
	});
}
