/** Progress on standard error: one line that changes on a terminal, plain lines elsewhere; nothing for what is over at once. */
import type { Progress } from "../index.js";
import { printable } from "./printable.js";

/** What takes less is not worth a line. */
const QUIET_MS = 1_000;
/** Elsewhere than on a terminal: a line for each so many parts of the whole. */
const PARTS = 4;

export class ProgressLine {
	readonly #stream: NodeJS.WriteStream;
	readonly #timer: NodeJS.Timeout;
	#latest = "";
	#shown = "";
	#part = -1;
	#message = "";

	constructor(stream: NodeJS.WriteStream) {
		this.#stream = stream;
		this.#timer = setTimeout(() => this.#show(), QUIET_MS);
	}

	readonly report = ({ message, fraction }: Progress): void => {
		const text = printable(message);
		const part = fraction === undefined ? -1 : Math.floor(fraction * PARTS);
		const step = text !== this.#message || part !== this.#part;
		if (!step && !this.#stream.isTTY) return;
		this.#message = text;
		this.#part = part;
		this.#latest = fraction === undefined ? text : `${text} ${Math.floor(fraction * 100)}%`;
		if (!this.#timer.hasRef()) this.#show();
	};

	/** The line goes; what comes next begins where it was. */
	end(): void {
		clearTimeout(this.#timer);
		if (this.#shown !== "" && this.#stream.isTTY) this.#stream.write("\r\x1b[K");
		this.#shown = "";
	}

	#show(): void {
		this.#timer.unref();
		if (this.#latest === "" || this.#latest === this.#shown) return;
		this.#shown = this.#latest;
		if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${this.#latest.slice(0, Math.max(1, this.#stream.columns - 1))}`);
		else this.#stream.write(`lms-computer: ${this.#latest}\n`);
	}
}
