/** One connection to a port in the guest, as a stream of Node whose two sides end apart. */
import type { ClientHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { BOUNDS } from "../limits.js";
import type { AgentLink } from "./link.js";
import { type Decoder, plainStream } from "./plain-stream.js";
import { broken } from "./shapes.js";

const HEADER_BYTES = 4;

/** Takes the answer apart: length (4 bytes, big-endian), bytes. A length of 0 is the program's end of file, and the last. */
export class TunnelDecoder implements Decoder {
	/** The program has ended its side. */
	ended = false;
	readonly #header = Buffer.alloc(HEADER_BYTES);
	#headerFill = 0;
	#left = 0;

	/** The bytes in it, as slices. Throws protocol_error on anything that no agent of ours sends. */
	*push(chunk: Buffer): Generator<Buffer> {
		let at = 0;
		while (at < chunk.length) {
			if (this.ended) throw broken("expected nothing after the end of a connection in the guest");
			if (this.#left > 0) {
				const part = chunk.subarray(at, at + this.#left);
				at += part.length;
				this.#left -= part.length;
				yield part;
				continue;
			}
			const copied = chunk.copy(this.#header, this.#headerFill, at, at + HEADER_BYTES - this.#headerFill);
			at += copied;
			this.#headerFill += copied;
			if (this.#headerFill < HEADER_BYTES) return;
			this.#headerFill = 0;
			this.#left = this.#header.readUInt32BE(0);
			if (this.#left > BOUNDS.guestFrameBytes) throw broken(`expected at most ${BOUNDS.guestFrameBytes} bytes, got ${this.#left}`);
			this.ended = this.#left === 0;
		}
	}
}

/** `not_found` when nothing listens on the port. A connection that the program resets, or that is lost, is an error of the stream, never its end. */
export async function openTunnel(link: AgentLink, port: number, signal: AbortSignal): Promise<Duplex> {
	const connection = await link.get(signal);
	const { stream } = await connection.open("POST", `/v1/tunnel?port=${port}`, signal);
	return tunnelStream(stream);
}

export function tunnelStream(stream: ClientHttp2Stream): Duplex {
	return plainStream(stream, {
		writable: true,
		decoder: new TunnelDecoder(),
		lost: "the connection to the program in the machine broke off",
	});
}
