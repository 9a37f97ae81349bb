/** Work on the whole machine, which may take longer than a call: it goes on when the call's time is over, and the same call made again waits for it. */
import { unless } from "./unless.js";

/** Why a call ended of whose work the model shall hear in its next one. */
export const LATE = new Error("the call's time was over");

interface Work {
	readonly answer: Promise<unknown>;
	readonly stop: AbortController;
	ended: boolean;
}

export class Lasting {
	readonly #works = new Map<string, Work>();

	/**
	 * @param key of the call
	 * @param signal who cancels ends the work; who is late does not
	 */
	async run<T>(key: string, signal: AbortSignal, refusal: () => Error, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
		const work = this.#works.get(key) ?? this.#begin(key, begin);
		const given = await unless(signal, refusal, () => work.answer).catch((error: unknown) => {
			if (signal.reason === LATE) throw error;
			work.stop.abort();
			this.#works.delete(key);
			throw error;
		});
		this.#works.delete(key);
		return given as T;
	}

	#begin<T>(key: string, begin: (signal: AbortSignal) => Promise<T>): Work {
		const stop = new AbortController();
		const work = { answer: begin(stop.signal), stop, ended: false };
		const end = () => {
			work.ended = true;
		};
		work.answer.then(end, end);
		this.#works.set(key, work);
		return work;
	}

	/** What has ended and nobody asked for again is of before: the same call is another one by now. */
	forgetEnded(): void {
		for (const [key, { ended }] of this.#works) if (ended) this.#works.delete(key);
	}

	close(): void {
		for (const { stop } of this.#works.values()) stop.abort();
		this.#works.clear();
	}
}
