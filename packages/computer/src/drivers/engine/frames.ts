/**
 * Takes apart the stream of an exec without a terminal: type (1 byte), 3 zero bytes, length (4 bytes, big-endian), payload.
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
import { ComputerError } from "../../errors/index.js";

export type FrameType = "stdout" | "stderr";

const HEADER_BYTES = 8;
/** Engines cut at 32 KiB; far above that the stream is out of step. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export class FrameReader {
	readonly #onPart: (type: FrameType, part: Buffer) => void;
	readonly #header = Buffer.alloc(HEADER_BYTES);
	#headerBytes = 0;
	#type: FrameType = "stdout";
	#left = 0;

	/** @param onPart gets payloads in pieces as they come, never copied and never collected */
	constructor(onPart: (type: FrameType, part: Buffer) => void) {
		this.#onPart = onPart;
	}

	/** Throws `engine_failed` where no frame of ours can begin. */
	push(chunk: Buffer): void {
		let at = 0;
		while (at < chunk.length) {
			if (this.#left > 0) {
				const end = Math.min(chunk.length, at + this.#left);
				this.#left -= end - at;
				this.#onPart(this.#type, chunk.subarray(at, end));
				at = end;
			} else {
				const copied = chunk.copy(this.#header, this.#headerBytes, at);
				at += copied;
				this.#headerBytes += copied;
				if (this.#headerBytes === HEADER_BYTES) this.#begin();
			}
		}
	}

	/** False in the middle of a frame: an end of the stream is then a cut. */
	get atBoundary(): boolean {
		return this.#left === 0 && this.#headerBytes === 0;
	}

	#begin(): void {
		const type = this.#header[0];
		const length = this.#header.readUInt32BE(4);
		if ((type !== 1 && type !== 2) || length > MAX_FRAME_BYTES) {
			throw new ComputerError(
				"engine_failed",
				`The engine's stream is out of step: a frame of stdout or stderr was expected, got ${this.#header.toString("hex")}`,
			);
		}
		this.#type = type === 1 ? "stdout" : "stderr";
		this.#left = length;
		this.#headerBytes = 0;
	}
}
