import type { Context } from "../commands.js";
import { open } from "../open.js";
import { print, printJson } from "../output.js";
import { printable } from "../printable.js";

export async function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	const computer = await open(context, words[0] ?? flags.name);
	try {
		const machine = await computer.inspect({ signal: interruption.signal });
		if (flags.json) await printJson({ ...machine, notices: computer.notices });
		else await print(printable(`${machine.name}  ${machine.driver}  ${machine.state}`));
		return 0;
	} finally {
		await computer.close();
	}
}
