import type { Context } from "../commands.js";
import { withFound } from "../open.js";
import { print, printJson } from "../output.js";
import { printable } from "../printable.js";

export function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	return withFound(context, async (computer) => {
		const changes = await computer.diff(words[0] ?? "", { signal: interruption.signal });
		if (flags.json) {
			await printJson(changes);
			return 0;
		}
		// The letters of `docker diff`.
		const lines = (["added", "changed", "deleted"] as const).flatMap((how) =>
			changes[how].map((path) => [path, (how[0] ?? "").toUpperCase()] as const),
		);
		lines.sort(([a], [b]) => (a < b ? -1 : 1));
		for (const [path, letter] of lines) await print(`${letter} ${printable(path)}`);
		return 0;
	});
}
