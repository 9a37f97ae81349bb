/**
 * Taking the answer of an exec apart: type (1 byte), length (4 bytes, big-endian), payload.
 * Output is handed on as it comes, as slices of what was received; nothing is joined but the two small JSON frames.
 */
import { ComputerError } from "../errors/index.js";
import { BOUNDS } from "../limits.js";
import { broken, type Json, parseJson } from "./shapes.js";

export type OutputStream = "stdout" | "stderr";

export interface FrameHandlers {
	started(json: Json): void;
	output(stream: OutputStream, bytes: Buffer): void;
	result(json: Json): void;
}

const STDOUT = 1;
const STDERR = 2;
const STARTED = 3;
const RESULT = 4;
const HEADER_BYTES = 5;

export class FrameDecoder {
	readonly #handlers: FrameHandlers;
	readonly #header = Buffer.alloc(HEADER_BYTES);
	#headerFill = 0;
	#type = 0;
	/** Of the current frame's payload, still to come. */
	#left = 0;
	/** The JSON frame being gathered. */
	#json: Buffer | undefined;
	#phase: "waiting" | "running" | "over" = "waiting";

	constructor(handlers: FrameHandlers) {
		this.#handlers = handlers;
	}

	/** Throws protocol_error on anything that no agent of ours sends. */
	push(chunk: Buffer): void {
		let at = 0;
		while (at < chunk.length) {
			if (this.#headerFill < HEADER_BYTES) {
				const copied = chunk.copy(this.#header, this.#headerFill, at, at + HEADER_BYTES - this.#headerFill);
				at += copied;
				this.#headerFill += copied;
				if (this.#headerFill < HEADER_BYTES) return;
				this.#open();
			} else {
				const end = Math.min(chunk.length, at + this.#left);
				this.#take(chunk.subarray(at, end));
				at = end;
			}
			if (this.#headerFill === HEADER_BYTES && this.#left === 0) this.#close();
		}
	}

	/** The stream ended. Throws connection_lost unless the result was the last thing that came. */
	end(): void {
		if (this.#phase === "over" && this.#headerFill === 0) return;
		throw new ComputerError("connection_lost", "the agent's answer ended before the command's result");
	}

	#open(): void {
		this.#type = this.#header[0] as number;
		this.#left = this.#header.readUInt32BE(1);
		if (this.#left > BOUNDS.guestFrameBytes) {
			throw broken(`expected a frame of at most ${BOUNDS.guestFrameBytes} bytes, got one of ${this.#left}`);
		}
		const expected = this.#phase === "waiting" ? this.#type === STARTED : this.#phase === "running" && this.#type !== STARTED;
		if (!expected || this.#type < STDOUT || this.#type > RESULT) {
			throw broken(`expected another frame than one of type ${this.#type} while ${this.#phase}`);
		}
		if (this.#type >= STARTED) this.#json = Buffer.alloc(this.#left);
	}

	#take(slice: Buffer): void {
		if (this.#json !== undefined) slice.copy(this.#json, this.#json.length - this.#left);
		else this.#handlers.output(this.#type === STDERR ? "stderr" : "stdout", slice);
		this.#left -= slice.length;
	}

	#close(): void {
		this.#headerFill = 0;
		const json = this.#json;
		if (json === undefined) return;
		this.#json = undefined;
		if (this.#type === STARTED) {
			this.#phase = "running";
			this.#handlers.started(parseJson(json, "the start of a command"));
		} else {
			this.#phase = "over";
			this.#handlers.result(parseJson(json, "the result of a command"));
		}
	}
}
