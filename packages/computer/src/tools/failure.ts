/** A failure as a model gets it: three short lines, the last of them the call to make next. */
import { ComputerError, type ErrorCode } from "../errors/index.js";
import type { Answer } from "./tool.js";

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

export function failureOf(error: unknown): Failure {
	if (error instanceof ToolFailure) return error.failure;
	if (error instanceof ComputerError) return { code: error.code, message: error.message, hint: error.hint, next: "" };
	return { code: "internal", message: error instanceof Error ? error.message : String(error), hint: "", next: "" };
}

export function failed(failure: Failure, details = ""): Answer {
	const lines = [`error: ${failure.message}`];
	if (failure.hint !== "") lines.push(`hint: ${failure.hint}`);
	if (failure.next !== "") lines.push(`next: ${failure.next}`);
	if (details !== "") lines.push(details);
	return { text: lines.join("\n"), structured: { error: { ...failure } }, isError: true };
}
