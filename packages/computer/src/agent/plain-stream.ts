/** An HTTP/2 stream as a plain one of Node, which ends well only when all of it came. */
import type { ClientHttp2Stream } from "node:http2";
import { Duplex } from "node:stream";
import { ComputerError } from "../errors/index.js";
import { canceled } from "./abort.js";
import { abandon } from "./answer.js";

/** Takes the answer apart and knows its end, which may come long before the request's: then the request's body is as much of the whole as the answer. */
export interface Decoder {
	push(chunk: Buffer): Iterable<Buffer>;
	readonly ended: boolean;
}

export interface PlainOptions {
	readonly signal?: AbortSignal | undefined;
	/** The request's body can be written; else it is over already. */
	readonly writable: boolean;
	readonly decoder?: Decoder;
	/** What a user is told when it breaks. */
	readonly lost?: string;
}

/** Of one stream, what waits in this process for the machine to read, or for a reader here. */
const WAITING_BYTES = 512 * 1024;

export function plainStream(stream: ClientHttp2Stream, options: PlainOptions): Duplex {
	const { signal, writable, decoder } = options;
	const lost = (cause?: unknown) =>
		new ComputerError("connection_lost", options.lost ?? "the connection to the agent broke before the stream was complete", { cause });
	const gone = () => stream.destroyed || stream.closed;
	const duplex = new Duplex({
		highWaterMark: WAITING_BYTES,
		read: () => stream.resume(),
		// Several pieces at once: they go out together, and the next are read meanwhile. One at a time is a third of the speed.
		write: (chunk, _encoding, done) => {
			if (gone()) return done(lost());
			stream.write(chunk);
			if (stream.writableLength < WAITING_BYTES) return done();
			const goOn = () => {
				stream.off("drain", goOn);
				stream.off("close", goOn);
				done();
			};
			stream.on("drain", goOn);
			// A peer that has answered may let go of the rest of the request: nothing drains then.
			stream.on("close", goOn);
		},
		final: (done) => {
			if (!gone() && !stream.writableEnded) stream.end(done);
			else done(decoder === undefined ? null : lost());
		},
		destroy: (error, done) => {
			signal?.removeEventListener("abort", abort);
			if (!stream.closed) abandon(stream);
			done(error);
		},
	});
	if (!writable) duplex.end();
	const abort = () => duplex.destroy(canceled(signal));
	const ended = () => {
		// A reset stream ends too, and looks complete but for its code.
		if (stream.rstCode !== 0) duplex.destroy(lost());
		else if (decoder === undefined) duplex.push(null);
	};
	const closed = () => {
		const whole = decoder === undefined ? stream.readableEnded : stream.rstCode === 0 && decoder.ended && duplex.writableEnded;
		if (!whole) duplex.destroy(lost());
		else if (!duplex.writableEnded) duplex.end();
	};
	stream.on("data", (chunk: Buffer) => {
		try {
			let more = true;
			for (const part of decoder?.push(chunk) ?? [chunk]) more = duplex.push(part);
			// Nobody asks for more after the end, and the request ends only once its answer is read.
			if (decoder?.ended) duplex.push(null);
			else if (!more) stream.pause();
		} catch (error) {
			duplex.destroy(error as Error);
		}
	});
	stream.on("end", ended);
	stream.on("error", (cause) => duplex.destroy(lost(cause)));
	stream.on("close", closed);
	// All of it may be over before anyone listens: Node consumes an empty body by itself when the stream closes, and where the bytes come through a stream of
	// JavaScript (an engine's), headers and a reset that came in one piece are both told before who waited for the headers goes on.
	if (stream.readableEnded) ended();
	if (stream.destroyed) closed();
	if (signal?.aborted) abort();
	else signal?.addEventListener("abort", abort, { once: true });
	return duplex;
}
