/** A terminal as somebody who sits before it sees it: the bytes go through a terminal emulator here, and its screen is read. */
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import xterm from "@xterm/headless";
import type { Terminal } from "../index.js";
import { TOOL_LIMITS } from "../limits.js";

export const COLUMNS = 80;
export const ROWS = 24;

export class Screen {
	readonly terminal: Terminal;
	readonly #stream: Duplex;
	readonly #emulator = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, scrollback: 0, allowProposedApi: true });
	#changedAt = performance.now();
	#ended = false;
	/** What an emulator answers to a program's questions belongs to those of now, not to what is shown again. */
	#live: boolean;

	private constructor(terminal: Terminal, stream: Duplex) {
		this.terminal = terminal;
		this.#stream = stream;
		this.#live = terminal.created;
		stream.on("data", (bytes: Buffer) => {
			this.#changedAt = performance.now();
			// A program that writes faster than the emulator reads has to wait.
			stream.pause();
			this.#emulator.write(bytes, () => stream.resume());
		});
		const end = () => {
			this.#ended = true;
		};
		stream.on("end", end).on("close", end).on("error", end);
		this.#emulator.onData((answer) => {
			if (this.#live && !this.#ended) stream.write(answer);
		});
	}

	static async open(terminal: Terminal): Promise<Screen> {
		return new Screen(terminal, await terminal.attach());
	}

	/** The program is over, or the connection to it. */
	get ended(): boolean {
		return this.#ended;
	}

	press(keys: string): void {
		this.#live = true;
		if (!this.#ended) this.#stream.write(keys);
	}

	/** Nothing has changed for a moment, or it never stops changing. */
	async settled(signal: AbortSignal | undefined): Promise<void> {
		const deadline = performance.now() + TOOL_LIMITS.screenMs;
		const since = performance.now();
		while (!this.#ended && performance.now() < deadline) {
			const quietMs = performance.now() - Math.max(this.#changedAt, since);
			if (quietMs >= TOOL_LIMITS.screenQuietMs) break;
			await pause(Math.max(10, TOOL_LIMITS.screenQuietMs - quietMs), undefined, { signal });
		}
		await new Promise<void>((resolve) => this.#emulator.write("", resolve));
		this.#live = true;
	}

	/** Its lines, without what is empty at their ends and below. */
	get text(): string {
		const { active } = this.#emulator.buffer;
		const lines = Array.from({ length: ROWS }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? "");
		return lines
			.map((line) => line.trimEnd())
			.join("\n")
			.trimEnd();
	}

	/** From 1. */
	get cursor(): { readonly line: number; readonly column: number } {
		const { cursorX, cursorY } = this.#emulator.buffer.active;
		return { line: cursorY + 1, column: cursorX + 1 };
	}

	/** Detaches; the program goes on. */
	close(): void {
		this.#stream.destroy();
		this.#emulator.dispose();
	}
}
