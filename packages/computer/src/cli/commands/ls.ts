import { prune } from "../../prune.js";
import type { Context } from "../commands.js";
import { list } from "../open.js";
import { columns, duration, notice, print, printJson, size } from "../output.js";
import { printable } from "../printable.js";

export async function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	const driver = flags.driver === "auto" ? undefined : flags.driver;
	const { signal } = interruption;
	const all = flags.everyones;
	const { computers: found, isWhole } = await list(context, { all, sizes: true });
	const computers = found.toSorted((a, b) => a.name.localeCompare(b.name));
	if (flags.json) {
		await printJson(computers);
		return 0;
	}
	if (computers.length === 0) {
		if (isWhole) await notice("there are no computers; `lms-computer exec uname -a` makes one");
	} else {
		const rows = computers.map(({ name, driver: on, state, image, createdAt, sizeBytes, own }) => [
			printable(name),
			on,
			state,
			printable(image),
			`${duration(Date.now() - createdAt)} ago`,
			sizeBytes === undefined ? "-" : size(sizeBytes),
			...(all ? [own ? "own" : "another's"] : []),
		]);
		await print(columns([["NAME", "DRIVER", "STATE", "IMAGE", "MADE", "SIZE", ...(all ? ["OWNER"] : [])], ...rows]));
	}
	if (all) {
		const { found: leftovers } = await prune({ driver, signal }, () => false);
		if (leftovers.length > 0) await notice(`${leftovers.length} leftovers: \`lms-computer prune\` shows and removes them`);
	}
	return 0;
}
