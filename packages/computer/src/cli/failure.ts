/** An error as people and programs get it. */
import { ComputerError, codeOfSystem, isComputerError } from "../errors/index.js";
import { printable, printableJson } from "./printable.js";

/** For the command line itself; `command` is whose help tells more. */
export function wrongUsage(message: string, command: string): ComputerError {
	return new ComputerError("invalid_argument", message, { hint: `Run \`lms-computer ${command === "" ? "" : `${command} `}--help\`.` });
}

function asComputerError(error: unknown): ComputerError {
	if (error instanceof ComputerError) return error;
	if ((error as NodeJS.ErrnoException | undefined)?.syscall === "uv_cwd") {
		return new ComputerError("not_found", "the directory that this was started in is gone", {
			hint: "Change to another one.",
			cause: error,
		});
	}
	const code = codeOfSystem(error) ?? "internal";
	// What is missing and was not expected to be is one of our own files.
	return new ComputerError(code === "not_found" ? "internal" : code, error instanceof Error ? error.message : String(error), {
		cause: error,
	});
}

/** The innermost reasons, without what the message says already. */
function causeOf(error: ComputerError): string {
	const reasons: string[] = [];
	for (let cause = error.cause; cause instanceof Error && reasons.length < 3; cause = cause.cause) {
		if (cause.message !== "" && !error.message.includes(cause.message)) reasons.push(cause.message);
	}
	return reasons.join(": ");
}

/** Three lines: error, cause, hint. What there is nothing to say of is left out. */
export function errorLines(thrown: unknown, debug: boolean): string {
	const error = asComputerError(thrown);
	const lines = [`error: ${printable(error.message)}`];
	const cause = causeOf(error);
	if (cause !== "") lines.push(`cause: ${printable(cause)}`);
	if (error.hint !== "") lines.push(`hint:  ${printable(error.hint)}`);
	if (debug) lines.push(...stacks(error).split("\n").map(printable));
	return lines.join("\n");
}

export function errorJson(thrown: unknown): string {
	const error = asComputerError(thrown);
	const cause = causeOf(error);
	return printableJson({ error: { ...error.toJSON(), ...(cause === "" ? {} : { cause }) } });
}

function stacks(error: Error): string {
	const own = error.stack ?? String(error);
	return error.cause instanceof Error ? `${own}\ncaused by ${stacks(error.cause)}` : own;
}

/** 2 for what cannot be right however often it is tried. */
export function statusOf(error: unknown, failureStatus: number): number {
	return isComputerError(error, "invalid_argument") ? 2 : failureStatus;
}
