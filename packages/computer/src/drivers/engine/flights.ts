import { isComputerError } from "../../errors/index.js";

/** One run at a time per key: who comes meanwhile waits for it, and takes over when the first was canceled. */
export class Flights<T> {
	readonly #running = new Map<string, Promise<T>>();

	async run(key: string, start: () => Promise<T>, signal?: AbortSignal): Promise<T> {
		for (;;) {
			const running = this.#running.get(key);
			if (running === undefined) {
				const started = start().finally(() => this.#running.delete(key));
				this.#running.set(key, started);
				return await started;
			}
			try {
				return await running;
			} catch (error) {
				if (!isComputerError(error, "canceled") || signal?.aborted) throw error;
			}
		}
	}
}
