import type { ComputerEvent } from "../../events.js";
import type { Computer } from "../../index.js";
import type { CommandRecord, JournalRecord } from "../../journal.js";
import type { Context } from "../commands.js";
import { find } from "../open.js";
import { duration, print, printJson, size } from "../output.js";
import { printable, printableJson } from "../printable.js";

const DEFAULT_LINES = 50;
/** What a line shows of a command. */
const SHOWN = 200;

export async function run(context: Context): Promise<number> {
	const { flags, words } = context;
	const computer = await find(context, words[0]);
	try {
		const records = await computer.history(flags.lines ?? DEFAULT_LINES);
		if (flags.json && !flags.follow) await printJson(records);
		else for (const record of records) await print(flags.json ? printableJson(record, 0) : line(record));
		return flags.follow ? await follow(computer, context) : 0;
	} finally {
		await computer.close();
	}
}

async function follow(computer: Computer, { flags, interruption }: Context): Promise<number> {
	const { signal } = interruption;
	try {
		// Asking for what happens inside starts nothing; one that runs is joined.
		if ((await computer.inspect({ signal })).state === "running") await computer.start({ signal });
		for await (const event of computer.events({ signal })) await print(flags.json ? printableJson(event, 0) : eventLine(event));
	} catch (error) {
		// Ctrl-C is how it ends.
		if (!signal.aborted) throw error;
	}
	return 0;
}

function line(record: JournalRecord): string {
	const what = "command" in record ? `${record.id}  ${commandText(record)}` : `${record.type}  ${record.text}`;
	return printable(`${time(record.at)}  ${what}`);
}

function eventLine(event: ComputerEvent): string {
	if (event.type === "lost") return `${time(event.at)}  ${event.count} events were missed`;
	if (event.type === "disconnected") return `${time(event.at)}  disconnected`;
	if (!("command" in event)) return printable(`${time(event.at)}  ${event.type}  ${event.text}`);
	const { command } = event;
	return printable(
		`${time(event.at)}  ${command.id}  ${event.type === "begin" ? `begins  ${text(command.command)}` : commandText(command)}`,
	);
}

type Ended = Omit<CommandRecord, "type" | "id" | "session">;

function commandText({ command, durationMs, exitCode, reason, stderrBytes, stdoutBytes }: Ended): string {
	const how = exitCode === null ? "runs on" : reason === null || reason === "exit" ? `exit ${exitCode}` : `exit ${exitCode} (${reason})`;
	return `${how}  ${duration(durationMs)}  ${size(stdoutBytes + stderrBytes)}  ${text(command)}`;
}

function text(command: string): string {
	return command.length > SHOWN ? `${command.slice(0, SHOWN)}…` : command;
}

function time(at: number): string {
	return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}
