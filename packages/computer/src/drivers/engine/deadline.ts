import { ComputerError } from "../../errors/index.js";

/**
 * Runs something abortable and settles at the deadline whatever it does: `canceled` for the caller's signal, `timeout` for ours.
 * `deadlineMs` may be Infinity.
 */
export async function withDeadline<T>(
	run: (signal: AbortSignal) => Promise<T>,
	options: {
		readonly signal?: AbortSignal | undefined;
		readonly deadlineMs: number;
		readonly onTimeout: () => ComputerError;
		readonly action: string;
	},
): Promise<T> {
	const { signal } = options;
	const controller = new AbortController();
	let stop: (reason: ComputerError) => void = () => {};
	const stopped = new Promise<never>((_, reject) => {
		stop = (reason) => {
			reject(reason);
			controller.abort(reason);
		};
	});
	const onAbort = (): void => stop(canceled(options.action, signal));
	const timer = Number.isFinite(options.deadlineMs) ? setTimeout(() => stop(options.onTimeout()), options.deadlineMs) : undefined;
	signal?.addEventListener("abort", onAbort, { once: true });
	try {
		if (signal?.aborted) throw canceled(options.action, signal);
		return await Promise.race([run(controller.signal), stopped]);
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener("abort", onAbort);
		// An unhandled rejection otherwise, when nothing ever raced with it.
		stopped.catch(() => {});
	}
}

/** Waits for what others wait for too: an abort ends the waiting, not the work. */
export async function waitFor<T>(work: Promise<T>, action: string, signal: AbortSignal | undefined): Promise<T> {
	return await withDeadline(() => work, {
		signal,
		deadlineMs: Number.POSITIVE_INFINITY,
		onTimeout: () => canceled(action, signal),
		action,
	});
}

export function canceled(action: string, signal: AbortSignal | undefined): ComputerError {
	return new ComputerError("canceled", `It was canceled before it could ${action}`, { cause: signal?.reason });
}
