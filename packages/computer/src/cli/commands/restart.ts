import { DEFAULTS } from "../../limits.js";
import type { Context } from "../commands.js";
import { each, places } from "../each.js";

export async function run(context: Context): Promise<number> {
	const chosen = await places(context, "restart", [DEFAULTS.name]);
	return each(context, "restarted", chosen, (computer) => computer.restart({ signal: context.interruption.signal }));
}
