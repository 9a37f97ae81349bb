/** The user's own terminal, given to the guest for a while and taken back as it was. */

/** What programs switch on and should switch off again: mouse, bracketed paste, focus reports, the other screen, application keys. */
const RESET_OFF = new Set([1, 9, 47, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049, 2004, 2026]);
/** What is on by itself: wrapping, the cursor. */
const RESET_ON = new Set([7, 25]);
/** DECSET and DECRST. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how the sequence begins
const MODE = /\x1b\[\?([\d;]{1,64})([hl])/g;
/** A sequence may be cut between two pieces of output. */
const LONGEST_SEQUENCE = 70;
const MAX_CELLS = 1000;

export class RawTerminal {
	readonly #changed = new Map<number, boolean>();
	#carried = "";
	#entered = false;
	// Also when an error nobody caught ends the process.
	readonly #onExit = () => this.leave();

	static size(): { columns: number; rows: number } {
		const cells = (value: number | undefined, otherwise: number) => Math.min(MAX_CELLS, Math.max(1, value || otherwise));
		return { columns: cells(process.stdout.columns, 80), rows: cells(process.stdout.rows, 24) };
	}

	enter(): void {
		this.#entered = true;
		process.once("exit", this.#onExit);
		process.stdin.setRawMode(true);
		process.stdin.resume();
	}

	/** Notes which modes the guest's output leaves switched: whoever detaches from an editor gets his own screen and cursor back. */
	watch(bytes: Buffer): void {
		const text = this.#carried + bytes.toString("latin1");
		for (const [, modes = "", how] of text.matchAll(MODE)) {
			for (const mode of modes.split(";").map(Number)) {
				if (RESET_OFF.has(mode) || RESET_ON.has(mode)) this.#changed.set(mode, how === "h");
			}
		}
		const start = text.lastIndexOf("\x1b", text.length - 1);
		const tail = start === -1 ? "" : text.slice(start);
		this.#carried = tail.length > LONGEST_SEQUENCE || /[hl]/.test(tail) ? "" : tail;
	}

	/** Idempotent. */
	leave(): void {
		if (!this.#entered) return;
		this.#entered = false;
		process.off("exit", this.#onExit);
		process.stdin.setRawMode(false);
		const off = [...this.#changed].flatMap(([mode, on]) => (on && RESET_OFF.has(mode) ? [`\x1b[?${mode}l`] : []));
		const on = [...this.#changed].flatMap(([mode, on]) => (!on && RESET_ON.has(mode) ? [`\x1b[?${mode}h`] : []));
		const attributes = "\x1b[0m";
		process.stdout.write([...off, ...on, attributes].join(""));
	}
}
