import type { Context } from "../commands.js";
import { withFound } from "../open.js";
import { notice, print, printJson } from "../output.js";
import { printable } from "../printable.js";

/** In the place of a checkpoint's id, which is hexadecimal. */
const NOW = "now";

export function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	return withFound(context, async (computer) => {
		const [id = "", name = ""] = words;
		const fork = await computer.fork(id === NOW ? undefined : id, name, { signal: interruption.signal });
		await fork.close();
		if (flags.json)
			await printJson({
				computer: fork.name,
				driver: fork.driver,
				from: computer.name,
				checkpoint: id === NOW ? null : id,
				notices: fork.notices,
			});
		else {
			await print(printable(fork.name));
			for (const text of fork.notices) await notice(text);
		}
		return 0;
	});
}
