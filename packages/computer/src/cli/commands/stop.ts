import { DEFAULTS } from "../../limits.js";
import type { Context } from "../commands.js";
import { each, places } from "../each.js";

export async function run(context: Context): Promise<number> {
	const chosen = await places(context, "stop", [DEFAULTS.name]);
	return each(context, "stopped", chosen, (computer) => computer.stop({ signal: context.interruption.signal }));
}
