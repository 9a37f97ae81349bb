/** A failure as a model gets it: three short lines, the last of them the call to make next. */
import { ComputerError, type ErrorCode } from "../errors/index.js";
import { brief, briefly } from "./brief.js";
import { showLine } from "./clean.js";
import { shellPath } from "./shell-word.js";
import type { Answer, Arguments, ToolDefinition } from "./tool.js";

export interface Failure {
	readonly code: ErrorCode;
	/** What was expected and what came. */
	readonly message: string;
	readonly hint: string;
	/** The next call, spelled out; empty when there is none. */
	readonly next: string;
}

/** What a tool throws when it knows the next call itself. */
export class ToolFailure extends Error {
	readonly failure: Failure;
	/** Shown below the three lines: the text of the file that is meant, say. */
	readonly details: string;

	constructor(failure: Failure, details = "") {
		super(failure.message);
		this.failure = failure;
		this.details = details;
	}
}

type Say = (name: string, args?: Arguments) => string;

/** @param tool and args of the call that failed, as far as they were understood */
export function failureOf(error: unknown, tool: ToolDefinition | undefined, args: Arguments, say: Say): Failure {
	if (error instanceof ToolFailure) return error.failure;
	const known = error instanceof ComputerError ? error : new ComputerError("internal", String(error));
	const { code, context, message } = known;
	const again = tool === undefined ? "" : say(tool.name, briefly(args));
	const path = code === "already_exists" ? targetIn(args) : pathIn(args);
	// Of what is no regular file only a folder has a list.
	const listed = code !== "not_a_file" || context["type"] === undefined || context["type"] === "directory";
	return { code, message, ...(ADVICE[code]?.(path, say, again, listed) ?? { hint: known.hint || unhinted(code), next: "" }) };
}

function unhinted(code: ErrorCode): string {
	return code === "invalid_argument" ? "Change that argument; the others may stay as they are." : "";
}

/** Why a computer can not be had that the model can do nothing about: what it is told of a call with that code would lead it astray. */
const OF_THE_SETUP: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
	"invalid_argument",
	"not_found",
	"already_exists",
	"not_a_file",
	"not_a_directory",
	"permission_denied",
	"too_large",
	"disk_full",
	"limit_reached",
	"not_supported",
	"engine_failed",
	"image_not_found",
]);

/** The computer could not be opened. */
export function notOpened(error: unknown): never {
	if (!(error instanceof ComputerError) || !OF_THE_SETUP.has(error.code)) throw error;
	const { code, message, hint } = error;
	const told = "The computer can not be had as it is set up, which no call changes: tell the user.";
	throw new ToolFailure({ code, message, hint: hint === "" ? told : `${hint} ${told}`, next: "" });
}

interface Advice {
	readonly hint: string;
	readonly next: string;
}

/** In the words of the tools: an error's own hint speaks to a programmer. */
const ADVICE: Partial<Record<ErrorCode, (path: string | undefined, say: Say, again: string, listed: boolean) => Advice>> = {
	not_found: (path, say) => ({
		hint: path === undefined ? "Look at what there is." : "Look at what is in its folder; a name may be spelled differently.",
		next: path === undefined ? say("ComputerStatus") : say("ListDirectory", { path: parentOf(path) }),
	}),
	not_a_file: (path, say, _, listed) => ({
		hint: "It is a folder, or no regular file.",
		next: path === undefined ? "" : listed ? say("ListDirectory", { path }) : lookAt(path, say),
	}),
	not_a_directory: (path, say) => ({
		hint: "A part of the path is a file.",
		next: path === undefined ? "" : say("ListDirectory", { path: parentOf(path) }),
	}),
	already_exists: (path, say) => ({
		hint: "Something is there already. Take another name, or remove it first.",
		next: path === undefined ? "" : lookAt(path, say),
	}),
	permission_denied: (path, say) => ({
		hint: "Look at who owns it and what is allowed.",
		next: path === undefined ? "" : lookAt(path, say, "; id"),
	}),
	disk_full: (_, say) => ({ hint: "Free some space.", next: say("Execute", { command: "df -h ~; du -sh ~/* | sort -h | tail" }) }),
	too_large: (_, say) => ({ hint: "Take a part of it.", next: say("Execute", { command: "head -c 10000 FILE" }) }),
	limit_reached: (_, say) => ({ hint: "Too many at once. End some of what runs.", next: say("ComputerStatus") }),
	busy: (_, __, again) => ({ hint: "Something else uses it at this moment.", next: again }),
	timeout: (_, __, again) => ({ hint: "It did not answer in time. Call again.", next: again }),
	connection_lost: (_, __, again) => ({ hint: "The connection broke; it is made anew.", next: again }),
	machine_gone: (_, __, again) => ({ hint: "The computer was stopped or removed from outside. It is made anew.", next: again }),
	machine_failed: (_, say) => ({ hint: "The computer did not start. Tell the user if it stays so.", next: say("RestartComputer") }),
	driver_unavailable: () => ({
		hint: "Tell the user: no Docker, Podman or kernel support was found. `lms-computer doctor` on the user's own machine says what is missing.",
		next: "",
	}),
	canceled: () => ({ hint: "The user stopped this call.", next: "" }),
	not_supported: (_, say) => ({ hint: "This computer can not do that. Do it another way, by a command.", next: say("ComputerStatus") }),
	internal: () => ({ hint: "This is a defect of the tool, not of your call. Try another way.", next: "" }),
};

function lookAt(path: string, say: Say, more = ""): string {
	return say("Execute", { command: `ls -la ${shellPath(path)}${more}` });
}

/** Where a call was to put something in the computer. */
function targetIn(args: Arguments): string | undefined {
	const path = args["destination"] ?? args["path"];
	return typeof path === "string" ? path : undefined;
}

/** The path that a call was about. */
function pathIn(args: Arguments): string | undefined {
	const path = ["path", "source", "containerPath", "directory", "workdir"]
		.map((name) => args[name])
		.find((value) => typeof value === "string");
	return path as string | undefined;
}

function parentOf(path: string): string {
	const parent = path.replace(/\/+$/, "").replace(/\/?[^/]*$/, "");
	if (parent !== "") return parent;
	return path.startsWith("/") ? "/" : ".";
}

/** Names and paths that do not fit are in a message, however long they are. */
const MAX_MESSAGE = 2000;

export function failed(failure: Failure, details = ""): Answer {
	const message = brief(failure.message, MAX_MESSAGE);
	// Paths and words of the guest are in it: one line stays one.
	const lines = [`error: ${showLine(message)}`];
	if (failure.hint !== "") lines.push(`hint: ${failure.hint}`);
	if (failure.next !== "") lines.push(`next: ${failure.next}`);
	if (details !== "") lines.push(details);
	return { text: lines.join("\n"), structured: { error: { ...failure, message } }, isError: true };
}
