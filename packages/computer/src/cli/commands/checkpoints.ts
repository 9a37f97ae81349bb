import type { Context } from "../commands.js";
import { withFound } from "../open.js";
import { columns, duration, notice, print, printJson, size } from "../output.js";
import { printable } from "../printable.js";

export function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	return withFound(context, async (computer) => {
		const checkpoints = await computer.checkpoints({ signal: interruption.signal });
		if (flags.json) await printJson(checkpoints);
		else if (checkpoints.length === 0) await notice(`${computer.name} has no checkpoints; \`lms-computer checkpoint\` makes one`);
		else {
			const rows = checkpoints.map(({ createdAt, id, label, sizeBytes }) => [
				printable(id),
				`${duration(Date.now() - createdAt)} ago`,
				sizeBytes === undefined ? "-" : size(sizeBytes),
				printable(label),
			]);
			await print(columns([["ID", "MADE", "SIZE", "LABEL"], ...rows]));
		}
		return 0;
	});
}
