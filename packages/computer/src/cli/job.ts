/** How commands come to a job. */
import { ComputerError, isComputerError } from "../errors/index.js";
import type { CommandState, Computer } from "../index.js";
import type { Context } from "./commands.js";
import { withFound } from "./open.js";

/** As `timeout` has it. */
const TIMED_OUT = 124;

/** A job is a command of a running computer, by the id that is the first word. */
export function withJob(context: Context, use: (commands: Computer["commands"], id: string) => Promise<number>): Promise<number> {
	return withFound(context, async (computer) => {
		// What ended with its machine is not looked for by starting that.
		if (await isStopped(computer, context)) {
			throw new ComputerError("not_found", `the computer "${computer.name}" is stopped, and its jobs have ended with it`, {
				hint: "`lms-computer exec --detach` starts the computer and a job.",
			});
		}
		try {
			return await use(computer.commands, context.words[0] ?? "");
		} catch (error) {
			if (!isComputerError(error, "not_found") || error.hint !== "") throw error;
			throw new ComputerError("not_found", error.message, { hint: "`lms-computer jobs` lists those that are there.", cause: error });
		}
	});
}

export async function isStopped(computer: Computer, { interruption }: Context): Promise<boolean> {
	return (await computer.inspect({ signal: interruption.signal })).state === "stopped";
}

/** What a script goes by: the job's own status, or 124 for one that a time limit ended or left running. */
export function statusOfJob({ exitCode, timedOut }: Pick<CommandState, "exitCode" | "timedOut">): number {
	return timedOut ? TIMED_OUT : (exitCode ?? TIMED_OUT);
}
