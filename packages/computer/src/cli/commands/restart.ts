import { DEFAULTS } from "../../limits.js";
import type { Context } from "../commands.js";
import { each, places } from "../each.js";

export async function run(context: Context): Promise<number> {
	const { signal } = context.interruption;
	const named = await places(context, "restart");
	const chosen = named.length === 0 ? [{ name: DEFAULTS.name, driver: context.flags.driver }] : named;
	return each(context, "restarted", chosen, (computer) => computer.restart({ signal }));
}
