import { waitFor } from "./agent/abort.js";

const last = new Map<string, Promise<unknown>>();

/** Tasks of one key run one after the other in this process; an abort while waiting leaves the queue. */
export async function inTurn<T>(key: string, signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
	const before = last.get(key);
	let done = () => {};
	const mine = new Promise<void>((resolve) => {
		done = resolve;
	});
	const chain = Promise.all([before, mine]);
	last.set(key, chain);
	try {
		if (before !== undefined) await waitFor(before, signal);
		return await task();
	} finally {
		done();
		// Who gave up before its turn leaves one that runs yet, which whoever comes next has to wait for.
		void chain.then(() => {
			if (last.get(key) === chain) last.delete(key);
		});
	}
}
