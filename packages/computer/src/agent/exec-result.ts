import { type EndReason, endReason } from "./commands.js";
import type { OutputStream } from "./frames.js";
import { HeadTail } from "./head-tail.js";
import { asObject, broken, count, flag, type Json, oneOf, text, wholeOrNull } from "./shapes.js";
import { cutText } from "./text.js";

/** How a command ended. A non-zero exit, a timeout and cut output are facts here, never errors. */
export interface ExecResult {
	/** Of the command in this computer: `commands.get(id)`, `commands.output(id)`. */
	readonly id: string;
	readonly session: string;
	/** The shell's `$?`; 124 after a timeout that killed, null when the command lives on as a job. */
	readonly exitCode: number | null;
	/** Why it ended; null when it lives on as a job. After `signal` and `out_of_memory` the exit code is 128 + signal, as shells have it. */
	readonly reason: EndReason | null;
	/** As text: what is not UTF-8 is U+FFFD. When cut: head, one line that says what is missing and where it is, tail. */
	readonly stdout: string;
	readonly stderr: string;
	/** Byte for byte what the command wrote; head and tail joined when `truncated`. */
	readonly stdoutBytes: Uint8Array;
	readonly stderrBytes: Uint8Array;
	readonly stdoutOmittedBytes: number;
	readonly stderrOmittedBytes: number;
	/** Some output is not in this result; `commands.output` has it. */
	readonly truncated: boolean;
	readonly timedOut: boolean;
	/** It timed out and lives on as a job. */
	readonly running: boolean;
	readonly durationMs: number;
	/** The session's directory afterwards. */
	readonly cwd: string;
	/** "kept", or why the session has a fresh shell with the same directory and exported environment. */
	readonly shell: "kept" | "exited" | "killed" | "moved";
}

/** The output of one running command, bounded. */
export class Collected {
	readonly stdout: HeadTail;
	readonly stderr: HeadTail;
	readonly #cutByGuest: boolean;
	readonly #maxBytes: number;

	/** @param cutByGuest the guest was asked to send no more than maxBytes per stream */
	constructor(maxBytes: number, cutByGuest: boolean) {
		this.stdout = new HeadTail(maxBytes);
		this.stderr = new HeadTail(maxBytes);
		this.#maxBytes = maxBytes;
		this.#cutByGuest = cutByGuest;
	}

	push(stream: OutputStream, bytes: Buffer): void {
		const kept = this[stream];
		kept.push(bytes);
		if (this.#cutByGuest && kept.omittedBytes > 0) throw broken(`expected at most ${this.#maxBytes} bytes of ${stream}, got more`);
	}

	result(json: Json): ExecResult {
		const id = text(json, "id");
		const stdout = this.#stream(json, "stdout", id);
		const stderr = this.#stream(json, "stderr", id);
		return {
			id,
			session: text(json, "session"),
			exitCode: wholeOrNull(json, "exitCode"),
			reason: endReason(json),
			stdout: stdout.text,
			stderr: stderr.text,
			stdoutBytes: stdout.bytes,
			stderrBytes: stderr.bytes,
			stdoutOmittedBytes: stdout.omitted,
			stderrOmittedBytes: stderr.omitted,
			truncated: stdout.omitted > 0 || stderr.omitted > 0,
			timedOut: flag(json, "timedOut"),
			running: flag(json, "running"),
			durationMs: count(json, "durationMs"),
			cwd: text(json, "cwd"),
			shell: oneOf(json, "shell", ["kept", "exited", "killed", "moved"]),
		};
	}

	#stream(json: Json, stream: OutputStream, id: string): { bytes: Buffer; omitted: number; text: string } {
		const kept = this[stream];
		const bytes = kept.bytes();
		const omitted = this.#cutByGuest ? count(asObject(json[stream], stream), "omittedBytes") : kept.omittedBytes;
		if (omitted === 0) return { bytes, omitted, text: bytes.toString("utf8") };
		const headBytes = Math.min(Math.ceil(this.#maxBytes / 2), bytes.length);
		// The id goes into text for people and models: nothing but what our agent's ids are made of.
		const name = /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : "?";
		const notice = `[... ${omitted} bytes omitted; read them with commands.output("${name}", { stream: "${stream}", offset: ${headBytes} }) ...]`;
		return { bytes, omitted, text: cutText(bytes, headBytes, notice) };
	}
}
