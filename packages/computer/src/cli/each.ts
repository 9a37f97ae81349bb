/** The same step for several computers: what failed does not stop the rest. */

import { ComputerError } from "../errors/index.js";
import type { Computer } from "../index.js";
import type { Context } from "./commands.js";
import { wrongUsage } from "./failure.js";
import { find, list } from "./open.js";
import { print, printJson } from "./output.js";
import { printable } from "./printable.js";

interface Place {
	readonly name: string;
	readonly driver: Context["flags"]["driver"];
}

/** Prints every name that is done; throws the one failure, or one that names them all. */
export async function each(
	context: Context,
	done: string,
	places: readonly Place[],
	step: (computer: Computer) => Promise<void>,
): Promise<number> {
	const names: string[] = [];
	const failures: unknown[] = [];
	for (const { name, driver } of places) {
		if (context.interruption.signal.aborted) break;
		try {
			const computer = await find({ ...context, flags: { ...context.flags, driver } }, name);
			try {
				await step(computer);
			} finally {
				await computer.close();
			}
			names.push(name);
			if (!context.flags.json) await print(printable(name));
		} catch (error) {
			failures.push(error);
		}
	}
	if (failures.length === 0) {
		if (context.flags.json) await printJson({ [done]: names });
		return 0;
	}
	if (failures.length === 1 && names.length === 0) throw failures[0];
	const messages = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
	throw new ComputerError(failures.find((failure) => failure instanceof ComputerError)?.code ?? "internal", messages.join("; "), {
		hint: failures.map((failure) => (failure instanceof ComputerError ? failure.hint : "")).find((hint) => hint !== "") ?? "",
		cause: failures[0],
		context: { [done]: names },
	});
}

/** The names given, else those that are meant without one, or every computer there is. */
export async function places(context: Context, command: string, otherwise: readonly string[] = []): Promise<readonly Place[]> {
	const { flags, words } = context;
	const given = words.length === 0 && flags.name !== undefined ? [flags.name] : words;
	const names = given.length === 0 && !flags.all ? otherwise : given;
	if (!flags.all) return names.map((name) => ({ name, driver: flags.driver }));
	if (names.length > 0) throw wrongUsage("expected names or --all, got both", command);
	return (await list(context)).computers;
}
