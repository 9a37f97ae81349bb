/** What the user sees below a call that takes a while: `npm install · 12 s · 3 lines`. */
import type { Computer } from "./library.js";

const EVERY_MS = 1_000;
const MAX_LABEL = 60;
/** Read for one line of status; of a command that writes faster its bytes are told instead. */
const MAX_READ_BYTES = 256 * 1024;
const NEWLINE = 10;
/** A command's text is its first 4 KiB. */
const MIN_CUT_BYTES = 4096 - 3;

export interface ProgressOptions {
	readonly tool: string;
	readonly args: Readonly<Record<string, unknown>>;
	/** The shell of the model's commands. */
	readonly session: string;
	/** Undefined as long as it is being opened: that tells its own steps. */
	readonly computer: () => Computer | undefined;
	readonly onStatus: (text: string) => void;
}

/** Tells from the second second on; the answer ends it. */
export function tellProgress({ tool, args, session, computer, onStatus }: ProgressOptions): () => void {
	const command = typeof args["command"] === "string" ? args["command"] : undefined;
	const label = oneLine(command ?? tool);
	const began = performance.now();
	const ended = new AbortController();
	let lines: LineCount | undefined;
	let ticks = 0;
	const tick = async () => {
		const opened = computer();
		if (opened === undefined) return;
		const seconds = `${label} · ${Math.round((performance.now() - began) / 1000)} s`;
		// Less and less often: it may wait for the shell, and what was repaired, or is no command, is never found.
		const looks = command !== undefined && lines === undefined && Number.isInteger(Math.log2(++ticks));
		if (looks) lines = await findCommand(opened, session, command, ended.signal);
		const written = await lines?.read(ended.signal);
		if (!ended.signal.aborted) onStatus(written === undefined ? seconds : `${seconds} · ${written}`);
	};
	let busy = false;
	const timer = setInterval(() => {
		if (busy) return;
		busy = true;
		// A call must not fail for want of a status line.
		tick()
			.catch(() => {})
			.finally(() => {
				busy = false;
			});
	}, EVERY_MS);
	// LM Studio may go meanwhile: nothing waits for this.
	timer.unref();
	return () => {
		clearInterval(timer);
		ended.abort();
	};
}

/** Looked for beside the shell: its latest one of that text. */
async function findCommand(computer: Computer, session: string, command: string, signal: AbortSignal): Promise<LineCount | undefined> {
	const isThat = (text: string) => {
		// Where it was cut, a part of a character may be left.
		const whole = text.replace(/\ufffd+$/, "");
		return command === text || (Buffer.byteLength(whole) >= MIN_CUT_BYTES && command.startsWith(whole));
	};
	const commands = await computer.commands.list({ signal });
	const found = commands.findLast((state) => state.running && state.session === session && isThat(state.command));
	return found === undefined ? undefined : new LineCount(computer, found.id);
}

/** Of both streams, counted as they grow. */
class LineCount {
	readonly #computer: Computer;
	readonly #id: string;
	readonly #offsets = { stdout: 0, stderr: 0 };
	#lines = 0;
	#tooMuch = false;

	constructor(computer: Computer, id: string) {
		this.#computer = computer;
		this.#id = id;
	}

	async read(signal: AbortSignal): Promise<string> {
		if (!this.#tooMuch) await Promise.all([this.#count("stdout", signal), this.#count("stderr", signal)]);
		if (!this.#tooMuch) return `${this.#lines} ${this.#lines === 1 ? "line" : "lines"}`;
		const { stdoutBytes, stderrBytes } = await this.#computer.commands.get(this.#id, { signal });
		return `${((stdoutBytes + stderrBytes) / 1024 / 1024).toFixed(1)} MB`;
	}

	async #count(stream: "stdout" | "stderr", signal: AbortSignal): Promise<void> {
		const begin = this.#offsets[stream];
		const { bytes, offset, totalBytes } = await this.#computer.commands.output(this.#id, {
			stream,
			offset: begin,
			length: MAX_READ_BYTES,
			signal,
		});
		for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) this.#lines++;
		this.#offsets[stream] = offset + bytes.length;
		if (offset !== begin || this.#offsets[stream] < totalBytes) this.#tooMuch = true;
	}
}

function oneLine(text: string): string {
	const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
	return line.length > MAX_LABEL ? `${line.slice(0, MAX_LABEL - 1).replace(/[\ud800-\udbff]$/, "")}…` : line;
}
