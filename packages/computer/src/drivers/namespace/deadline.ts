import { ComputerError } from "../../errors/index.js";

/** What an aborted signal means here: a deadline of ours says so itself, anything else is the caller's wish. */
export function cancellation(signal: AbortSignal | undefined): ComputerError {
	const reason: unknown = signal?.reason;
	return reason instanceof ComputerError ? reason : new ComputerError("canceled", "The caller canceled it", { cause: reason });
}

export function throwIfCanceled(signal: AbortSignal | undefined): void {
	if (signal?.aborted) throw cancellation(signal);
}

export interface Deadline {
	readonly signal: AbortSignal;
	done(): void;
}

/** The caller's signal and a deadline in one. */
export function within(deadlineMs: number, what: string, signal?: AbortSignal): Deadline {
	const controller = new AbortController();
	const onAbort = () => controller.abort(cancellation(signal));
	const timer = setTimeout(() => controller.abort(new ComputerError("timeout", `Expected ${what} within ${deadlineMs} ms`)), deadlineMs);
	if (signal?.aborted) onAbort();
	signal?.addEventListener("abort", onAbort, { once: true });
	return {
		signal: controller.signal,
		done() {
			clearTimeout(timer);
			signal?.removeEventListener("abort", onAbort);
		},
	};
}
