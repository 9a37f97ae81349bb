/** Progress on standard error: one line that changes on a terminal, plain lines elsewhere; nothing for what is over at once. */
import type { Progress } from "../index.js";
import { printable } from "./printable.js";

/** What takes less is not worth a line. */
const QUIET_MS = 1_000;
/** Elsewhere than on a terminal: a line for each so many parts of the whole. */
const PARTS = 4;

export class ProgressLine {
	readonly #stream: NodeJS.WriteStream;
	#timer: NodeJS.Timeout | undefined;
	#visible = false;
	#text = "";
	/** What a plain line stands for: the same step is said once. */
	#step = "";

	constructor(stream: NodeJS.WriteStream) {
		this.#stream = stream;
		this.#wait();
	}

	readonly report = ({ fraction, message, phase }: Progress): void => {
		// A log is for what was done. That connecting to what runs took long on a busy machine is no news.
		if (phase === "connect" && !this.#stream.isTTY) {
			clearTimeout(this.#timer);
			return;
		}
		this.#text = fraction === undefined ? printable(message) : `${printable(message)} ${Math.floor(fraction * 100)}%`;
		if (this.#stream.isTTY) {
			if (this.#visible) this.#draw();
			return;
		}
		const other = message !== this.#step.split("\0")[0];
		const step = `${message}\0${fraction === undefined ? "" : Math.floor(fraction * PARTS)}`;
		if (step === this.#step) return;
		this.#step = step;
		// A log gets no line for a phase that is over at once, though the whole takes long.
		if (other) this.#wait();
		else if (this.#visible) this.#draw();
	};

	/** The line goes; what comes next begins where it was. */
	end(): void {
		clearTimeout(this.#timer);
		if (this.#visible && this.#stream.isTTY) this.#stream.write("\r\x1b[K");
		this.#visible = false;
	}

	#wait(): void {
		clearTimeout(this.#timer);
		this.#visible = false;
		this.#timer = setTimeout(() => {
			this.#visible = true;
			this.#draw();
		}, QUIET_MS);
	}

	#draw(): void {
		if (this.#text === "") return;
		if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${this.#text.slice(0, Math.max(1, this.#stream.columns - 1))}`);
		else this.#stream.write(`lms-computer: ${this.#text}\n`);
	}
}
