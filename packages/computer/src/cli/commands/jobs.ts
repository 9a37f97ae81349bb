import type { CommandState } from "../../index.js";
import type { Context } from "../commands.js";
import { isStopped } from "../job.js";
import { withFound } from "../open.js";
import { columns, duration, notice, print, printJson } from "../output.js";
import { printable } from "../printable.js";

/** Of a command's text. */
const SHOWN_LENGTH = 200;

export function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	return withFound(context, async (computer) => {
		const stopped = await isStopped(computer, context);
		const jobs = stopped ? [] : await computer.commands.list({ signal: interruption.signal });
		if (flags.json) await printJson(jobs);
		else if (jobs.length > 0) await print(columns([["ID", "STATE", "STARTED", "TOOK", "SESSION", "COMMAND"], ...jobs.map(row)]));
		else await notice(stopped ? `${computer.name} is stopped: nothing runs in it` : `nothing has run in ${computer.name} since it started`);
		return 0;
	});
}

function row({ command, durationMs, exitCode, id, running, session, startedAt, timedOut }: CommandState): string[] {
	return [
		printable(id),
		running ? "running" : timedOut ? "timed out" : `exit ${exitCode}`,
		`${duration(Date.now() - startedAt)} ago`,
		duration(durationMs),
		printable(session),
		printable(command.slice(0, SHOWN_LENGTH)),
	];
}
