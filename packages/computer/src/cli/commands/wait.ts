import type { Context } from "../commands.js";
import { statusOfJob, withJob } from "../job.js";
import { notice, printJson } from "../output.js";

export function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	return withJob(context, async (commands, id) => {
		const timeoutMs = flags.waitTimeout === undefined ? undefined : Math.ceil(flags.waitTimeout * 1000);
		const state = await commands.wait(id, { timeoutMs, signal: interruption.signal });
		if (flags.json) await printJson(state);
		else if (state.running) await notice(`job ${id} still runs`);
		return statusOfJob(state);
	});
}
