import type { ErrorCode } from "./codes.js";
import { hintFor } from "./hints.js";

export interface ErrorDetails {
	/** What to do next. Without one the hint follows from code and context. */
	readonly hint?: string;
	readonly context?: Readonly<Record<string, unknown>>;
	readonly cause?: unknown;
}

/** Calling again, unchanged, can succeed. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(["busy", "timeout", "connection_lost", "machine_gone", "limit_reached"]);

/** The one error class. A non-zero exit, a timeout of a command and cut output are results, not errors. */
export class ComputerError extends Error {
	override readonly name = "ComputerError";
	readonly code: ErrorCode;
	/** What the caller can do next; empty when there is nothing to say. */
	readonly hint: string;
	/** The facts, for programs. */
	readonly context: Readonly<Record<string, unknown>>;
	readonly retryable: boolean;

	/** @param message what was expected and what came, one sentence */
	constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
		super(message, details.cause === undefined ? undefined : { cause: details.cause });
		this.code = code;
		this.context = details.context ?? {};
		this.hint = details.hint ?? hintFor(code, this.context);
		this.retryable = RETRYABLE.has(code);
	}

	toJSON(): Record<string, unknown> {
		return { code: this.code, message: this.message, hint: this.hint, context: this.context, retryable: this.retryable };
	}
}

/** True for a ComputerError, of the given code if one is named. */
export function isComputerError(error: unknown, code?: ErrorCode): error is ComputerError {
	return error instanceof ComputerError && (code === undefined || error.code === code);
}
