import { DEFAULTS } from "../../limits.js";
import type { Context } from "../commands.js";
import { each, places } from "../each.js";

export async function run(context: Context): Promise<number> {
	const named = await places(context, "stop");
	const chosen = named.length === 0 && !context.flags.all ? [{ name: DEFAULTS.name, driver: context.flags.driver }] : named;
	return each(context, "stopped", chosen, (computer) => computer.stop({ signal: context.interruption.signal }));
}
