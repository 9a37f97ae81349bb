import { listComputers } from "../../index.js";
import type { Context } from "../commands.js";
import { columns, duration, notice, print, printJson } from "../output.js";
import { printable } from "../printable.js";

export async function run({ flags, interruption }: Context): Promise<number> {
	const driver = flags.driver === "auto" ? undefined : flags.driver;
	const found = await listComputers({ driver, signal: interruption.signal });
	const computers = found.toSorted((a, b) => a.name.localeCompare(b.name));
	if (flags.json) await printJson(computers);
	else if (computers.length === 0) await notice("there are no computers; `lms-computer exec uname -a` makes one");
	else {
		const rows = computers.map(({ name, driver, state, image, createdAt }) => [
			printable(name),
			driver,
			state,
			printable(image),
			`${duration(Date.now() - createdAt)} ago`,
		]);
		await print(columns([["NAME", "DRIVER", "STATE", "IMAGE", "MADE"], ...rows]));
	}
	return 0;
}
