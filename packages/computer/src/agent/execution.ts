/** A running command whose output is read as it comes. */
import type { ClientHttp2Stream } from "node:http2";
import type { Abortable } from "../driver.js";
import { ComputerError } from "../errors/index.js";
import { detachCommand, type KillOptions, killCommand } from "./commands.js";
import type { Connection } from "./connection.js";
import { inOrder, openExec, openStdin, sendStdin } from "./exec.js";
import { execRequest, type SpawnOptions } from "./exec-options.js";
import { Collected, type ExecResult } from "./exec-result.js";
import { type Json, text } from "./shapes.js";
import { ChunkMaker, type OutputChunk } from "./text.js";
import { drained, expectPiece, expectSource } from "./write.js";

/** Unread output held here before the guest is made to wait. */
const QUEUE_BYTES = 1024 * 1024;
/** What a piece costs beside its bytes, so that a flood of tiny ones is bounded too. */
const CHUNK_BYTES = 256;

/**
 * Iterate it for the output; a reader that pauses makes the command wait. Leaving the loop lets the command go on, its
 * output kept as head and tail in `result` and whole in the computer's log.
 */
export class Execution implements AsyncIterable<OutputChunk> {
	readonly id: string;
	readonly session: string;
	/** @internal `result`, but asking for it changes nothing. */
	readonly settled: Promise<ExecResult>;
	readonly #connection: Connection;
	readonly #flow: Flow;
	readonly #writable: boolean;
	#stdin: ClientHttp2Stream | undefined;
	/** Of all writes that wait, once. */
	#draining: ReturnType<typeof drained> | undefined;

	/** @internal */
	constructor(connection: Connection, flow: Flow, started: Json, options: SpawnOptions) {
		this.id = text(started, "id");
		this.session = text(started, "session");
		this.#connection = connection;
		this.#flow = flow;
		this.settled = flow.result;
		this.#writable = options.stdin === true;
		if (options.stdin !== undefined && options.stdin !== true) sendStdin(connection, this.id, options.stdin).catch(flow.finish);
	}

	/** How it ended. Asking for it before iterating lets the output flow past unread. */
	get result(): Promise<ExecResult> {
		this.#flow.release();
		return this.#flow.result;
	}

	/** One reader at a time. Throws what `result` rejects with. */
	[Symbol.asyncIterator](): AsyncIterator<OutputChunk, undefined> {
		return this.#flow.read();
	}

	/** Writes to stdin; resolves when more can be written. Needs `stdin: true`. `not_found` when nothing reads any more. */
	async write(data: string | Uint8Array): Promise<void> {
		expectPiece("data", data);
		const stream = this.#open();
		const over = stream.destroyed || stream.closed || stream.writableEnded;
		if (over || (!stream.write(data) && (await this.#drained(stream)) === "closed")) {
			throw new ComputerError("not_found", "the command's standard input is closed");
		}
	}

	/** Closes stdin: the command reads end of file. */
	async end(): Promise<void> {
		const stream = this.#open();
		if (!stream.destroyed && !stream.closed && !stream.writableEnded) stream.end();
	}

	/** A signal to the whole tree, then KILL. Resolves when it is gone. */
	async kill(options: KillOptions = {}): Promise<void> {
		await killCommand(this.#connection, this.id, options);
	}

	/** It goes on as a job at once, as after a timeout with `onTimeout: "job"`: `result` says so, unless it has just ended. */
	async detach(options: Abortable = {}): Promise<void> {
		await detachCommand(this.#connection, this.id, options);
	}

	#drained(stream: ClientHttp2Stream): ReturnType<typeof drained> {
		this.#draining ??= drained(stream).finally(() => {
			this.#draining = undefined;
		});
		return this.#draining;
	}

	#open(): ClientHttp2Stream {
		if (!this.#writable) {
			throw new ComputerError("invalid_argument", "expected a command spawned with `stdin: true`, got one that reads end of file");
		}
		if (this.#stdin === undefined) {
			this.#stdin = openStdin(this.#connection, this.id);
			// A command that stops reading is no failure of its own.
			this.#stdin.on("error", () => {});
			this.#stdin.resume();
		}
		return this.#stdin;
	}
}

/** Resolves when the command has started; until then it may wait for its session. */
export function spawn(connection: Connection, command: string, options: SpawnOptions): Promise<Execution> {
	const { collect = false, stdin } = options;
	if (stdin !== undefined && stdin !== true) expectSource("stdin", stdin);
	const request = execRequest(command, options, 0, collect);
	return inOrder(connection, request, options.signal, (begun, resolve: (execution: Execution) => void, reject) => {
		const flow = new Flow(new Collected(request.maxOutputBytes, collect), reject);
		flow.attach(
			openExec(connection, request, options.signal, {
				started(json) {
					begun();
					resolve(new Execution(connection, flow, json, options));
				},
				output: (stream, bytes) => flow.push(stream, bytes),
				result: (json) => flow.over(json),
				end: () => flow.settle(),
				fail: (error) => flow.settle(error),
			}),
		);
	});
}

/** Output between the connection and one reader: a bounded queue, and who waits for it. */
class Flow {
	readonly result: Promise<ExecResult>;
	finish: (error?: Error) => void = () => {};
	readonly #collected: Collected;
	readonly #makers = { stdout: new ChunkMaker("stdout"), stderr: new ChunkMaker("stderr") };
	readonly #queue: OutputChunk[] = [];
	#queuedBytes = 0;
	#stream: ClientHttp2Stream | undefined;
	#mode: "held" | "read" | "released" = "held";
	/** Several may wait: an iterator is asked for what comes after the next before that has come. */
	#waiting: (() => void)[] = [];
	#json: Json | undefined;
	#settled = false;
	#error: Error | undefined;
	#resolve: (result: ExecResult) => void = () => {};
	#reject: (error: Error) => void = () => {};

	constructor(collected: Collected, onFailure: (error: Error) => void) {
		this.#collected = collected;
		this.result = new Promise((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = (error) => {
				reject(error);
				onFailure(error);
			};
		});
		// Nobody has to await it.
		this.result.catch(() => {});
	}

	attach({ stream, finish }: { stream: ClientHttp2Stream; finish: (error?: Error) => void }): void {
		this.#stream = stream;
		this.finish = finish;
	}

	push(stream: "stdout" | "stderr", bytes: Buffer): void {
		this.#collected.push(stream, bytes);
		this.#enqueue(this.#makers[stream].make(bytes));
	}

	over(json: Json): void {
		this.#json = json;
	}

	settle(error?: Error): void {
		for (const stream of ["stdout", "stderr"] as const) {
			const rest = this.#makers[stream].last();
			if (rest) this.#enqueue(rest);
		}
		this.#error = error;
		try {
			if (error === undefined) this.#resolve(this.#collected.result(this.#json as Json));
			else this.#reject(error);
		} catch (broken) {
			this.#error = broken as Error;
			this.#reject(broken as Error);
		}
		this.#settled = true;
		this.#wake();
	}

	/** Nobody reads: what does not fit the queue is dropped (the result keeps head and tail). */
	release(): void {
		if (this.#mode !== "held") return;
		this.#mode = "released";
		this.#stream?.resume();
	}

	read(): AsyncIterator<OutputChunk, undefined> {
		this.#mode = "read";
		return {
			next: async () => {
				for (;;) {
					const chunk = this.#queue.shift();
					if (chunk !== undefined) {
						this.#queuedBytes -= chunk.bytes.length + CHUNK_BYTES;
						if (this.#queuedBytes < QUEUE_BYTES / 2) this.#stream?.resume();
						return { done: false, value: chunk };
					}
					if (this.#error !== undefined) throw this.#error;
					if (this.#settled || this.#mode !== "read") return { done: true, value: undefined };
					await new Promise<void>((resolve) => this.#waiting.push(resolve));
				}
			},
			return: async () => {
				this.#mode = "released";
				this.#drop();
				this.#stream?.resume();
				this.#wake();
				return { done: true, value: undefined };
			},
		};
	}

	#enqueue(chunk: OutputChunk): void {
		if (this.#mode === "released" && this.#queuedBytes >= QUEUE_BYTES) this.#drop();
		this.#queue.push(chunk);
		this.#queuedBytes += chunk.bytes.length + CHUNK_BYTES;
		if (this.#mode !== "released" && this.#queuedBytes >= QUEUE_BYTES) this.#stream?.pause();
		this.#wake();
	}

	#wake(): void {
		for (const go of this.#waiting.splice(0)) go();
	}

	#drop(): void {
		this.#queue.length = 0;
		this.#queuedBytes = 0;
	}
}
