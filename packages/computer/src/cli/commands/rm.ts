import type { Context } from "../commands.js";
import { each, places } from "../each.js";
import { wrongUsage } from "../failure.js";

export async function run(context: Context): Promise<number> {
	const chosen = await places(context, "rm");
	// Without a name nothing is guessed: what is removed is gone.
	if (chosen.length === 0 && !context.flags.all) throw wrongUsage("expected the name of a computer, or --all", "rm");
	return each(context, "removed", chosen, (computer) => computer.remove({ signal: context.interruption.signal }));
}
