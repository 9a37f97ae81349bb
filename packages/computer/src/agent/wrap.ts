/** An HTTP/2 stream as a plain one of Node, which ends well only when the answer was complete. */
import type { ClientHttp2Stream } from "node:http2";
import { Duplex } from "node:stream";
import { ComputerError } from "../errors/index.js";
import { canceled } from "./abort.js";
import { abandon } from "./answer.js";

export interface WrapOptions {
	readonly signal?: AbortSignal | undefined;
	/** The request's body can be written; else it is over already. */
	readonly writable: boolean;
}

export function wrap(stream: ClientHttp2Stream, options: WrapOptions): Duplex {
	const { signal, writable } = options;
	const duplex = new Duplex({
		read: () => stream.resume(),
		write: (chunk, _encoding, done) => {
			if (stream.destroyed || stream.closed) done(lost());
			else stream.write(chunk, done);
		},
		final: (done) => {
			if (stream.destroyed || stream.closed || stream.writableEnded) done();
			else stream.end(done);
		},
		destroy: (error, done) => {
			signal?.removeEventListener("abort", abort);
			if (!stream.closed) abandon(stream);
			done(error);
		},
	});
	const abort = () => duplex.destroy(canceled(signal));
	if (!writable) duplex.end();
	stream.on("data", (chunk: Buffer) => {
		if (!duplex.push(chunk)) stream.pause();
	});
	stream.on("end", () => {
		if (stream.rstCode !== 0) return duplex.destroy(lost());
		duplex.push(null);
	});
	stream.on("error", (cause) => duplex.destroy(lost(cause)));
	stream.on("close", () => {
		if (!stream.readableEnded) duplex.destroy(lost());
		else if (!duplex.writableEnded) duplex.end();
	});
	// Node consumes an empty body by itself when the stream closes: its end may be over before anyone listens.
	if (stream.readableEnded) {
		duplex.push(null);
		if (writable) duplex.end();
	}
	if (signal?.aborted) abort();
	else signal?.addEventListener("abort", abort, { once: true });
	return duplex;
}

function lost(cause?: unknown): ComputerError {
	return new ComputerError("connection_lost", "the connection to the agent broke before the stream was complete", { cause });
}
