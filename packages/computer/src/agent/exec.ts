/** Running one command, and waiting for its result. The hot path: one request, no layers, no timers but the caller's. */
import type { ClientHttp2Stream } from "node:http2";
import { ComputerError } from "../errors/index.js";
import { refuse } from "../expect.js";
import { DEADLINES, DEFAULTS } from "../limits.js";
import { inTurn } from "../turn.js";
import { abandon, type Finish, onGood, supervise } from "./answer.js";
import type { Connection } from "./connection.js";
import { type ExecOptions, type ExecRequest, execRequest } from "./exec-options.js";
import { Collected, type ExecResult } from "./exec-result.js";
import { FrameDecoder, type FrameHandlers } from "./frames.js";
import { type Json, text } from "./shapes.js";
import { ChunkMaker } from "./text.js";
import { expectSource, type Source, writeBody } from "./write.js";

/** Sends the request and hands the frames on. `end` when the result came whole, `fail` for everything else, once. */
export function openExec(
	connection: Connection,
	request: ExecRequest,
	signal: AbortSignal | undefined,
	handlers: FrameHandlers & { end(): void; fail(error: Error): void },
): { stream: ClientHttp2Stream; finish: Finish } {
	const stream = connection.request("POST", "/v1/exec", request.body);
	const decoder = new FrameDecoder(handlers);
	const end = () => {
		try {
			const error = refusal();
			if (error !== undefined) throw error;
			decoder.end();
			handlers.end();
		} catch (error) {
			handlers.fail(error as Error);
		}
	};
	const finish = supervise(stream, signal, end, handlers.fail);
	const refusal = onGood(stream, finish, () => {
		stream.on("data", (chunk: Buffer) => {
			try {
				decoder.push(chunk);
			} catch (error) {
				finish(error as Error);
			}
		});
	});
	return { stream, finish };
}

export function exec(connection: Connection, command: string, options: ExecOptions): Promise<ExecResult> {
	const { onOutput, signal, stdin } = options;
	if (stdin !== undefined) expectSource("stdin", stdin);
	if (onOutput !== undefined && typeof onOutput !== "function") refuse("onOutput", "a function", onOutput);
	const request = execRequest(command, options, DEFAULTS.timeoutMs, onOutput === undefined);
	const collected = new Collected(request.maxOutputBytes, onOutput === undefined);
	const makers = onOutput && { stdout: new ChunkMaker("stdout"), stderr: new ChunkMaker("stderr") };
	return inOrder(connection, request, signal, (begun, resolve, reject) => {
		let deadline: NodeJS.Timeout | undefined;
		let result: Json | undefined;
		const { finish } = openExec(connection, request, signal, {
			started(json) {
				begun();
				if (request.timeoutMs > 0) deadline = setTimeout(late, request.timeoutMs + DEADLINES.resultMs, request.timeoutMs);
				if (stdin !== undefined) sendStdin(connection, text(json, "id"), stdin).catch(finish);
			},
			output(stream, bytes) {
				collected.push(stream, bytes);
				if (makers) onOutput?.(makers[stream].make(bytes));
			},
			result(json) {
				result = json;
			},
			end() {
				clearTimeout(deadline);
				for (const stream of ["stdout", "stderr"] as const) {
					const rest = makers?.[stream].last();
					if (rest) onOutput?.(rest);
				}
				resolve(collected.result(result as Json));
			},
			fail(error) {
				clearTimeout(deadline);
				reject(error);
			},
		});
		const late = (timeoutMs: number) =>
			finish(
				new ComputerError(
					"timeout",
					`expected the result of a command with a timeout of ${timeoutMs} ms, got none ${DEADLINES.resultMs} ms after it`,
				),
			);
	});
}

/**
 * Sends one session's commands in the order of the calls: the next one once the one before has started. Requests of one
 * connection are served at the same time, so that two on their way together may arrive either way round.
 */
export function inOrder<T>(
	connection: Connection,
	{ session }: ExecRequest,
	signal: AbortSignal | undefined,
	send: (begun: () => void, resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
	return new Promise((resolve, reject) => {
		const sent = inTurn(`${connection.id}/${session}`, signal, () => {
			return new Promise<void>((begun) => {
				const fail = (error: Error) => {
					begun();
					reject(error);
				};
				try {
					send(begun, resolve, fail);
				} catch (error) {
					fail(error as Error);
				}
			});
		});
		sent.catch(reject);
	});
}

/** Feeds a command. Rejects with the source's own error alone: a command that stops reading early is no failure. */
export async function sendStdin(connection: Connection, id: string, source: Source): Promise<void> {
	const stream = openStdin(connection, id);
	supervise(stream, undefined, NOTHING, NOTHING);
	stream.resume();
	try {
		await writeBody(stream, source);
	} catch (error) {
		abandon(stream);
		throw error;
	}
}

const NOTHING = () => {};

/** The request whose body is the command's stdin; its end is the end of file. */
export function openStdin(connection: Connection, id: string): ClientHttp2Stream {
	return connection.request("PUT", `/v1/commands/${encodeURIComponent(id)}/stdin?eof=1`, undefined, true);
}
