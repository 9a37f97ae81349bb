import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { ComputerError } from "../../errors/index.js";
import { cleanWords } from "./errors.js";
import { FrameReader } from "./frames.js";

const STDERR_BYTES = 4 * 1024;
/** Written and not yet taken by the engine. The agent lets 16 MiB be under way; past this a guest that lets more must wait. */
const UNSENT_BYTES = 32 * 1024 * 1024;

/**
 * The stdio of `agent connect` over the engine's hijacked socket: what is read is its stdout, what is written its stdin, `end()` is an
 * end of file on its stdin, `destroy()` closes the socket. Stderr is kept for the error of one that ends without a word.
 */
export class ExecStream extends Duplex {
	readonly #socket: Duplex;
	readonly #frames: FrameReader;
	readonly #explain: (words: string) => ComputerError;
	#reads = 0;
	#full = false;
	#stdoutSeen = false;
	#ended = false;
	#stderr = Buffer.alloc(0);

	/** @param explain why it did not start, or ended at once, from what was said instead of an answer */
	constructor(socket: Duplex, explain: (words: string) => ComputerError) {
		// Nothing can be written to a process that is gone.
		super({ allowHalfOpen: false });
		this.#socket = socket;
		this.#explain = explain;
		this.#frames = new FrameReader((type, part) => (type === "stdout" ? this.#onStdout(part) : this.#onStderr(part)));
		socket.on("data", (chunk: Buffer) => this.#onData(chunk));
		socket.on("end", () => this.#onEnd());
		socket.on("error", (cause: Error) => this.destroy(lost(cause.message, cause)));
		socket.on("close", () => {
			if (!this.#ended) this.destroy(lost("it was closed"));
		});
		socket.pause();
	}

	/** As a socket's: what does not keep the process alive. */
	unref(): this {
		(this.#socket as Partial<Socket>).unref?.();
		return this;
	}

	ref(): this {
		(this.#socket as Partial<Socket>).ref?.();
		return this;
	}

	override _read(): void {
		this.#reads++;
		this.#socket.resume();
	}

	override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
		this.#socket.write(chunk);
		this.#taken(done);
	}

	override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
		this.#socket.cork();
		for (const { chunk } of chunks) this.#socket.write(chunk);
		this.#socket.uncork();
		this.#taken(done);
	}

	/**
	 * Node's HTTP/2 reads nothing while a write waits (node_http2.cc, is_write_in_progress), and Podman's conmon takes nothing while it waits to be
	 * read: with much under way both ways, each would wait for the other for ever. So a write is done once it is held here.
	 */
	#taken(done: () => void): void {
		if (this.#socket.writableLength < UNSENT_BYTES) done();
		else this.#socket.once("drain", done);
	}

	override _final(done: (error?: Error | null) => void): void {
		if (this.#socket.writableEnded || this.#socket.destroyed) done();
		else this.#socket.end(() => done());
	}

	override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
		this.#ended = true;
		this.#socket.destroy();
		done(error);
	}

	#onData(chunk: Buffer): void {
		const reads = this.#reads;
		this.#full = false;
		try {
			this.#frames.push(chunk);
		} catch (error) {
			this.destroy(error as Error);
			return;
		}
		// A reader that asked again from within push() is not to be paused.
		if (this.#full && reads === this.#reads) this.#socket.pause();
	}

	#onStdout(part: Buffer): void {
		if (this.destroyed) return;
		// Docker reports an exec that did not start inside stdout, as text. The agent begins with a small HTTP/2 frame, so with 0.
		if (!this.#stdoutSeen && part[0] !== 0) {
			this.destroy(this.#explain(part.toString("utf8")));
			return;
		}
		this.#stdoutSeen = true;
		if (!this.push(part)) this.#full = true;
	}

	#onStderr(part: Buffer): void {
		this.#stderr = Buffer.concat([this.#stderr, part.subarray(-STDERR_BYTES)]).subarray(-STDERR_BYTES);
	}

	#onEnd(): void {
		if (this.#ended) return;
		this.#ended = true;
		if (!this.#frames.atBoundary) this.destroy(lost("it ended in the middle of a frame"));
		else if (!this.#stdoutSeen && this.#stderr.length > 0) this.destroy(this.#explain(this.#stderr.toString("utf8")));
		else this.push(null);
	}
}

function lost(reason: string, cause?: Error): ComputerError {
	return new ComputerError("connection_lost", `The engine's stream to the agent broke: ${cleanWords(reason)}`, { cause });
}
