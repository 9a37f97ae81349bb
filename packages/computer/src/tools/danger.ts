/** A command that would take all files with it gets a checkpoint first. No list of forbidden commands: the machine is the boundary. */
import type { Computer } from "../computer.js";
import { isComputerError } from "../errors/index.js";
import { TOOL_LIMITS } from "../limits.js";
import { showLine } from "./clean.js";
import type { ToolCall } from "./tool.js";

/** Before a simple command; what is quoted is no matter here. */
const BETWEEN = /\n|(?<!\\)[;&|(]|\bsudo\s|\bthen\s|\bdo\s/;
const END = String.raw`(?:\s|$)`;
const ALL_FILES = String.raw`(?:/|/\*|~/?|~/\*|\$HOME/?|/home(?:/user)?/?|/home/user/\*)`;

const DANGERS: readonly RegExp[] = [
	new RegExp(`^rm\\s+(?:-\\S+\\s+)*-(?=\\S*[rR])\\S*\\s+(?:-\\S+\\s+)*["']?${ALL_FILES}["']?${END}`),
	new RegExp(`^find\\s+${ALL_FILES}\\s.*-delete`),
	/^(?:mkfs(?:\.\w+)?|wipefs|shred)\s/,
	/^dd\s.*\bof=\/dev\//,
	new RegExp(`^(?:chmod|chown)\\s+(?:-\\S+\\s+)*-(?=\\S*R)\\S*\\s.*\\s${ALL_FILES}${END}`),
];

/** Looked at of each simple command. What a model repeats without an end must not cost its length squared. */
const MAX_LENGTH = 2000;

export function deletesEverything(command: string): boolean {
	const all = command.split(BETWEEN).map((one) => one.trimStart().slice(0, MAX_LENGTH));
	return all.some((one) => DANGERS.some((danger) => danger.test(one)));
}

/** Lines for the result. */
export async function beforeDanger(call: ToolCall, computer: Computer, command: string): Promise<string[]> {
	if (!call.settings.strictSafety || !deletesEverything(command)) return [];
	return [await call.lasting((signal) => saveBefore({ ...call, signal }, computer, "before a command that deletes everything"))];
}

/** What was saved, or why nothing was. */
export async function saveBefore(call: ToolCall, computer: Computer, label: string): Promise<string> {
	call.status("saving a checkpoint");
	try {
		const { id } = await computer.checkpoint(label, {
			maxCount: TOOL_LIMITS.keptCheckpoints,
			maxBytes: Number.MAX_SAFE_INTEGER,
			signal: call.signal,
		});
		const back = call.say("Rollback", { checkpoint: id, confirm: true });
		return `note: a checkpoint was made first${back === "" ? "" : `; ${back} goes back to it`}`;
	} catch (error) {
		if (isComputerError(error, "not_supported")) return "note: no checkpoint was made first: this computer has none";
		// Whoever wants it all the same must not be kept from it: it may be what frees the disk.
		const wanted = call.args["confirm"] === true || !call.settings.strictSafety;
		if (!wanted || !isComputerError(error, "disk_full")) throw error;
		return `note: no checkpoint could be made first: ${showLine(error.message)}`;
	}
}
