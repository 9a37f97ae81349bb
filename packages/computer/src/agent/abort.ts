import { setMaxListeners } from "node:events";
import { ComputerError } from "../errors/index.js";
import { refuse } from "../expect.js";

/** Whatever else is passed would be noticed when it is to be let go of, in a handler where nobody catches. */
export function expectSignal(signal: AbortSignal | null | undefined): void {
	if (signal === undefined || signal === null) return;
	if (typeof signal.addEventListener !== "function" || typeof signal.removeEventListener !== "function") {
		refuse("signal", "an AbortSignal", signal);
	}
	// One for a hundred calls at once is no leak, of which Node would warn from the eleventh.
	if (signal instanceof EventTarget) setMaxListeners(0, signal);
}

export function canceled(signal: AbortSignal | undefined): ComputerError {
	return new ComputerError("canceled", "the caller's signal was aborted", { cause: signal?.reason });
}

/** Waits for a promise that others wait for too: an abort ends the waiting, not the work. */
export async function waitFor<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (signal === undefined) return promise;
	if (signal.aborted) throw canceled(signal);
	let abort: (() => void) | undefined;
	const aborted = new Promise<never>((_, reject) => {
		abort = () => reject(canceled(signal));
		signal.addEventListener("abort", abort, { once: true });
	});
	try {
		return await Promise.race([promise, aborted]);
	} finally {
		if (abort !== undefined) signal.removeEventListener("abort", abort);
	}
}
