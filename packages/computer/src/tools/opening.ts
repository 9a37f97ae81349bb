/** The computer behind a toolbox: opened by the first call that needs it, once for all who ask, and not ended when one of them goes. */
import type { Computer } from "../computer.js";
import type { Progress } from "../driver.js";

export type Open = (options: {
	readonly signal?: AbortSignal | undefined;
	readonly onProgress?: ((progress: Progress) => void) | undefined;
}) => Promise<Computer>;

export class Opening {
	readonly #open: Open;
	readonly #closing = new AbortController();
	readonly #listeners = new Set<(text: string) => void>();
	#computer: Promise<Computer> | undefined;
	#opened: Computer | undefined;
	#told = 0;
	#step = "";

	constructor(open: Open) {
		this.#open = open;
	}

	/** What it is at, while it opens. */
	get step(): string {
		return this.#step;
	}

	/** @param listener is told each step */
	async get(listener: (text: string) => void): Promise<Computer> {
		this.#listeners.add(listener);
		try {
			// A program may have closed or removed the one that it was given.
			if (this.#opened?.closed) this.#forget();
			return await (this.#computer ?? this.#begin());
		} finally {
			this.#listeners.delete(listener);
		}
	}

	/** What happened to the machine since the last look: not what was known when it was opened, which is for the user. */
	async news(): Promise<readonly string[]> {
		const computer = this.#opened;
		if (computer === undefined) return [];
		await computer.planted.look();
		const fresh = computer.news.since(this.#told);
		this.#told = computer.news.count;
		return fresh;
	}

	#forget(): void {
		this.#computer = undefined;
		this.#opened = undefined;
	}

	async close(): Promise<void> {
		this.#closing.abort();
		const opening = this.#computer;
		this.#forget();
		await (await opening?.catch(() => undefined))?.close();
	}

	/** Again after it failed. */
	#begin(): Promise<Computer> {
		const opening = this.#run();
		this.#computer = opening;
		opening.catch(() => {
			if (this.#computer === opening) this.#computer = undefined;
		});
		return opening;
	}

	async #run(): Promise<Computer> {
		this.#step = "starting the computer";
		const onProgress = ({ message, fraction }: Progress) => {
			this.#step = fraction === undefined ? message : `${message}, ${Math.round(fraction * 100)} %`;
			for (const listener of this.#listeners) listener(this.#step);
		};
		try {
			const computer = await this.#open({ signal: this.#closing.signal, onProgress });
			this.#opened = computer;
			this.#told = computer.news.count;
			return computer;
		} finally {
			this.#step = "";
		}
	}
}
