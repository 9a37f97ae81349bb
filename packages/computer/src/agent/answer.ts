/** What can come back on one HTTP/2 stream, and how it can fail. */
import type { ClientHttp2Stream, Http2Session, IncomingHttpHeaders } from "node:http2";
import { ComputerError, ERROR_CODES } from "../errors/index.js";
import { canceled } from "./abort.js";
import { facts } from "./facts.js";
import { broken, type Json, parseJson, plain } from "./shapes.js";

/** An error answer is a sentence and a few facts. */
const MAX_ERROR_BYTES = 64 * 1024;

export interface Answer {
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
}

/** Ends the request early with an error; without one, as complete. Only the first call counts. */
export type Finish = (error?: Error) => void;

/**
 * Ends a request for good. Not by close(): that ends the body first, and an upload cut short would look whole to the guest.
 * The error is for the stream alone; whoever waits has been told another one.
 */
export function abandon(stream: ClientHttp2Stream): void {
	stream.destroy(new Error("the request was abandoned"));
}

/** Calls exactly one of `end` and `fail`, once: `end` when the whole answer came, `fail` for anything else, the caller's abort included. */
export function supervise(
	stream: ClientHttp2Stream,
	signal: AbortSignal | undefined,
	end: () => void,
	fail: (error: Error) => void,
): Finish {
	let over = false;
	// A stream that is over forgets its session.
	const session = stream.session;
	const finish: Finish = (error) => {
		if (over) return;
		over = true;
		signal?.removeEventListener("abort", abort);
		if (error === undefined) return end();
		abandon(stream);
		fail(error);
	};
	const abort = () => finish(canceled(signal));
	const check = (error?: Error) => {
		if (!over) finish(failure(stream, session, error));
	};
	stream.on("end", () => {
		// A reset stream ends too, and looks complete but for its code.
		if (stream.rstCode === 0) finish();
		else check();
	});
	// Stays for good: an error after the end must not become an uncaught one.
	stream.on("error", check);
	stream.on("close", () => check());
	if (signal?.aborted) abort();
	else signal?.addEventListener("abort", abort, { once: true });
	return finish;
}

function failure(stream: ClientHttp2Stream, session: Http2Session | undefined, error?: Error & { code?: string }): ComputerError {
	if (error instanceof ComputerError) return error;
	// Node's own words for bytes that are not HTTP/2.
	if (error?.code === "ERR_HTTP2_ERROR") {
		return new ComputerError("protocol_error", "expected HTTP/2 from the guest, got something else", { cause: error });
	}
	if (session === undefined || session.destroyed || session.closed) {
		return new ComputerError("connection_lost", "the connection to the agent broke before the answer was complete", { cause: error });
	}
	return new ComputerError("protocol_error", `the agent reset the request with code ${stream.rstCode}`, { cause: error });
}

function statusOf(headers: IncomingHttpHeaders | undefined): number {
	const status = headers?.[":status"];
	if (typeof status === "number" && status >= 200 && status < 600) return status;
	throw broken("expected a status in the agent's answer");
}

/** Hands a good answer's headers on in the tick that they came in, and gathers an error answer: what this answers is that error once the request has ended. */
export function onGood(
	stream: ClientHttp2Stream,
	finish: Finish,
	good: (headers: IncomingHttpHeaders) => void,
): () => ComputerError | undefined {
	const body = new Bytes(MAX_ERROR_BYTES);
	let refused = 0;
	// Data is taken from then on: a body that came in one piece with its headers can be emitted before them.
	stream.once("response", (headers) => {
		try {
			const status = statusOf(headers);
			if (status < 400) return good(headers);
			refused = status;
			stream.on("data", (chunk: Buffer) => {
				if (!body.push(chunk)) finish(broken(`expected an error answer of at most ${MAX_ERROR_BYTES} bytes, got more`));
			});
		} catch (error) {
			finish(error as Error);
		}
	});
	return () => (refused === 0 ? undefined : guestError(refused, body.all()));
}

/** The whole answer, at most maxBytes of it. An error answer rejects with that error. */
export function collect(stream: ClientHttp2Stream, maxBytes: number, signal: AbortSignal | undefined): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const body = new Bytes(maxBytes);
		let headers: IncomingHttpHeaders | undefined;
		const end = () => {
			const error = refusal();
			if (error !== undefined) reject(error);
			else if (headers === undefined) reject(broken("expected a status in the agent's answer"));
			else resolve({ headers, body: body.all() });
		};
		const finish = supervise(stream, signal, end, reject);
		const refusal = onGood(stream, finish, (good) => {
			headers = good;
			stream.on("data", (chunk: Buffer) => {
				if (!body.push(chunk)) finish(broken(`expected an answer of at most ${maxBytes} bytes from the guest, got more`));
			});
		});
	});
}

/** Resolves when a good answer begins; its body is then the caller's to read. */
export function begin(stream: ClientHttp2Stream, signal: AbortSignal | undefined): Promise<IncomingHttpHeaders> {
	return new Promise((resolve, reject) => {
		const finish = supervise(stream, signal, () => reject(refusal() ?? broken("the answer ended before it began")), reject);
		// It is left paused, and supervised until its end: an abort still closes it.
		const refusal = onGood(stream, finish, resolve);
	});
}

/** What is smaller is copied: a piece of one byte costs a hundred, and holds all that came with it. */
const SMALL_BYTES = 16 * 1024;

/** Chunks up to a bound, joined once. What they take of memory is in proportion to what they say, however they come. */
export class Bytes {
	readonly maxBytes: number;
	readonly #chunks: Buffer[] = [];
	#size = 0;
	/** The last chunk, where small ones are gathered, and how much of it they fill. */
	#page: Buffer | undefined;
	#filled = 0;

	constructor(maxBytes: number) {
		this.maxBytes = maxBytes;
	}

	get size(): number {
		return this.#size;
	}

	/** False when the bound is passed. */
	push(chunk: Buffer): boolean {
		this.#size += chunk.length;
		if (this.#size > this.maxBytes) return false;
		if (chunk.length === 0) return true;
		// Most answers are one small piece.
		if (chunk.length >= SMALL_BYTES || this.#chunks.length === 0) this.#chunks.push(chunk);
		else this.#gather(chunk);
		return true;
	}

	all(): Buffer {
		this.#closePage();
		return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
	}

	#gather(chunk: Buffer): void {
		if (this.#page === undefined || this.#page !== this.#chunks.at(-1) || this.#filled + chunk.length > this.#page.length) {
			this.#closePage();
			this.#page = Buffer.allocUnsafe(4 * SMALL_BYTES);
			this.#filled = 0;
			this.#chunks.push(this.#page);
		}
		this.#filled += chunk.copy(this.#page, this.#filled);
	}

	#closePage(): void {
		const at = this.#page === undefined ? -1 : this.#chunks.lastIndexOf(this.#page);
		if (at !== -1) this.#chunks[at] = (this.#page as Buffer).subarray(0, this.#filled);
		this.#page = undefined;
	}
}

/** The guest's error as ours: a known code, one bounded line, a few plain facts. The hint is always the host's own. */
function guestError(status: number, body: Buffer): ComputerError {
	let json: Json;
	try {
		json = parseJson(body, "the guest's error");
	} catch (cause) {
		return new ComputerError("protocol_error", `the agent answered ${status} without saying why`, { cause });
	}
	const code = ERROR_CODES.find((known) => known === json["code"]);
	const message = typeof json["message"] === "string" ? plain(json["message"], 2000) : "";
	if (code === undefined) {
		return new ComputerError("protocol_error", `the agent answered ${status} with an unknown error: ${message}`);
	}
	return new ComputerError(code, message === "" ? `the agent answered ${code}` : message, { context: facts(json["context"]) });
}
