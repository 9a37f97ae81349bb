import type { CreateOptions } from "../../driver.js";
import { isComputerError } from "../../errors/index.js";
import { waitFor } from "./deadline.js";

type OnProgress = NonNullable<CreateOptions["onProgress"]>;

interface Flight<T> {
	readonly end: Promise<T>;
	readonly listeners: Set<OnProgress>;
}

/** One run at a time per key: who comes meanwhile waits for it, is told how far it is, and takes over when the first was canceled. */
export class Flights<T> {
	readonly #action: string;
	readonly #running = new Map<string, Flight<T>>();

	/** @param action for errors, to follow "before it could" */
	constructor(action: string) {
		this.#action = action;
	}

	/** @param start has the signal of its own caller, and tells its progress to all */
	async run(key: string, start: (onProgress: OnProgress) => Promise<T>, { signal, onProgress = () => {} }: CreateOptions): Promise<T> {
		for (;;) {
			const running = this.#running.get(key);
			if (running === undefined) {
				const listeners = new Set([onProgress]);
				const end = start((step) => {
					for (const listener of listeners) {
						try {
							listener(step);
						} catch {
							// One caller's defect is not to end what others wait for.
						}
					}
				}).finally(() => this.#running.delete(key));
				this.#running.set(key, { end, listeners });
				return await end;
			}
			running.listeners.add(onProgress);
			try {
				return await waitFor(running.end, this.#action, signal);
			} catch (error) {
				if (!isComputerError(error, "canceled") || signal?.aborted) throw error;
			} finally {
				running.listeners.delete(onProgress);
			}
		}
	}
}
