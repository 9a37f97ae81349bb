import { ComputerError } from "../errors/index.js";

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
