/** Opens a computer for calls that cannot wait as long as an image may take to come: they are told how far it is, and it goes on. */
import { ComputerError } from "../errors/index.js";
import { type Computer, type OpenOptions, openComputer, type Progress } from "../index.js";

export class PatientOpen {
	readonly #options: OpenOptions;
	readonly #patienceMs: number;
	readonly #end = new AbortController();
	#opening: Promise<Computer> | undefined;
	#listen: ((progress: Progress) => void) | undefined;
	#last: Progress | undefined;

	constructor(options: OpenOptions, patienceMs: number) {
		this.#options = options;
		this.#patienceMs = patienceMs;
	}

	/** For one caller at a time. One who was told that it takes too long gets, by asking again, what was begun for him. */
	async open({ onProgress }: { readonly onProgress?: ((progress: Progress) => void) | undefined } = {}): Promise<Computer> {
		this.#listen = onProgress;
		this.#opening ??= this.#begin();
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(this.#tooLong()), this.#patienceMs);
		});
		try {
			const computer = await Promise.race([this.#opening, late]);
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
		const opening = openComputer({ ...this.#options, onProgress, signal: this.#end.signal });
		opening.catch(() => {
			this.#opening = undefined;
		});
		return opening;
	}

	#tooLong(): ComputerError {
		const { fraction, message } = this.#last ?? {};
		const part = fraction === undefined ? "" : ` ${Math.floor(fraction * 100)}%`;
		return new ComputerError("busy", `the computer is still being made${message === undefined ? "" : `: ${message}${part}`}`, {
			hint: "It goes on. Make the same call again; nothing is lost.",
		});
	}
}
