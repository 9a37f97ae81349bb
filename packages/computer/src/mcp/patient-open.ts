/** Opens a computer for calls that cannot wait as long as an image may take to come: they are told how far it is, and it goes on. */
import { ComputerError } from "../errors/index.js";
import type { Computer, OpenOptions, Progress } from "../index.js";

export interface Patience {
	/** Ready within it, the call goes on: there is time left for what it is about. */
	readonly readyMs: number;
	/** Later than that the call is answered, and has to be made again. */
	readonly answerMs: number;
}

type Listener = (progress: Progress) => void;

export class PatientOpen {
	readonly #open: (options: Pick<OpenOptions, "signal" | "onProgress">) => Promise<Computer>;
	readonly #patience: Patience;
	readonly #end = new AbortController();
	#opening: Promise<Computer> | undefined;
	#listen: Listener | undefined;
	#last: Progress | undefined;

	constructor(open: (options: Pick<OpenOptions, "signal" | "onProgress">) => Promise<Computer>, patience: Patience) {
		this.#open = open;
		this.#patience = patience;
	}

	/** For one caller at a time. What was begun for one who was told to call again is there for the next. */
	async open({ onProgress }: { readonly onProgress?: Listener | undefined } = {}): Promise<Computer> {
		const { answerMs, readyMs } = this.#patience;
		this.#listen = onProgress;
		this.#opening ??= this.#begin();
		const startedAt = performance.now();
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(this.#notYet()), answerMs);
		});
		try {
			const computer = await Promise.race([this.#opening, late]);
			if (performance.now() - startedAt > readyMs) throw new ComputerError("busy", "the computer is ready only now", { hint: AGAIN });
			this.#opening = undefined;
			return computer;
		} finally {
			clearTimeout(timer);
			this.#listen = undefined;
		}
	}

	/** What is being made is given up, what nobody came for is let go of. */
	async close(): Promise<void> {
		this.#end.abort();
		const computer = await this.#opening?.catch(() => undefined);
		await computer?.close();
	}

	#begin(): Promise<Computer> {
		this.#last = undefined;
		const onProgress = (progress: Progress) => {
			this.#last = progress;
			this.#listen?.(progress);
		};
		const opening = this.#open({ onProgress, signal: this.#end.signal });
		opening.catch(() => {
			this.#opening = undefined;
		});
		return opening;
	}

	#notYet(): ComputerError {
		const { fraction, message } = this.#last ?? {};
		const part = fraction === undefined ? "" : ` ${Math.floor(fraction * 100)}%`;
		return new ComputerError("busy", `the computer is still being made${message === undefined ? "" : `: ${message}${part}`}`, {
			hint: AGAIN,
		});
	}
}

const AGAIN = "Make the same call again; nothing was done yet, and nothing is lost.";
