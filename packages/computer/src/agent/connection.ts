/** One HTTP/2 session with the agent, over one byte stream of the machine. */
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ComputerError } from "../errors/index.js";
import { BOUNDS, DEADLINES, PROTOCOL_GENERATION } from "../limits.js";
import { type Answer, abandon, begin, collect } from "./answer.js";
import { count, type Json, parseJson, text } from "./shapes.js";
import { type Source, writeBody } from "./write.js";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export interface Hello {
	readonly version: string;
	/** New each time the agent starts. */
	readonly boot: string;
	/** After so long without a call the machine stops; 0 is never. */
	readonly idleStopMs: number;
}

/** What one stream may hold unread in memory. A reader that stalls holds this much and no more. */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
/** For all streams together; Node gives it back at once, so that one stalled reader stops no other. */
const SESSION_WINDOW_BYTES = 32 * 1024 * 1024;
const FRAME_BYTES = 256 * 1024;
const MEMORY_MEGABYTES = 256;

let connections = 0;

export class Connection {
	/** Unlike any other of this process. */
	readonly id = ++connections;
	readonly #session: ClientHttp2Session;
	readonly #duplex: Duplex;
	/** Is told when an answer is long in coming. */
	onSilence: () => Promise<void> = async () => {};
	/** Nothing of it answers for a while, which is known and passes. */
	standsStill: () => Promise<boolean> = async () => false;
	#hello: Hello = { version: "", boot: "", idleStopMs: 0 };
	#usedAt = Date.now();
	#pending = 0;
	#heartbeat: NodeJS.Timeout | undefined;
	#pingUnanswered = false;

	/** Says hello over a fresh byte stream. The stream is destroyed when that fails. */
	static async open(duplex: Duplex, signal?: AbortSignal, helloMs: number = DEADLINES.helloMs): Promise<Connection> {
		if (duplex.destroyed) throw new ComputerError("machine_gone", "the machine ended while it was connected to");
		const connection = new Connection(duplex);
		try {
			connection.#hello = await connection.#greet(signal, helloMs);
			return connection;
		} catch (error) {
			connection.close();
			throw error;
		}
	}

	private constructor(duplex: Duplex) {
		this.#duplex = duplex;
		// The session reports a broken stream in its own way; this is for an error after it let go.
		duplex.on("error", () => {});
		this.#session = http2.connect("http://agent", {
			createConnection: () => duplex,
			settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxFrameSize: FRAME_BYTES },
			maxSessionMemory: MEMORY_MEGABYTES,
			maxHeaderListPairs: 64,
			maxSettings: 32,
		});
		this.#session.on("error", () => {});
		this.#session.once("connect", () => {
			// Node emits this late: a guest that broke at once has ended the session by now.
			if (this.alive) this.#session.setLocalWindowSize(SESSION_WINDOW_BYTES);
		});
		this.#session.once("close", () => {
			clearInterval(this.#heartbeat);
			duplex.destroy();
		});
		// A byte stream that ends carries no further answer, whatever its other half still does.
		duplex.once("end", () => this.close());
		duplex.once("close", () => this.close());
	}

	get hello(): Hello {
		return this.#hello;
	}

	/** The machine may be about to stop, having had nothing to do. */
	get drowsy(): boolean {
		return this.#hello.idleStopMs > 0 && Date.now() - this.#usedAt >= this.#hello.idleStopMs / 2;
	}

	/** Nothing was sent for a while: something may have happened to the machine that closes no connection. */
	get stale(): boolean {
		return Date.now() - this.#usedAt >= DEADLINES.staleMs;
	}

	/** Resolves when the agent answers, or the connection is closed; closes it when it does neither. */
	async hear(): Promise<void> {
		await new Promise<void>((resolve) => {
			const late = setInterval(() => void this.#giveUp(), 2 * DEADLINES.heartbeatMs);
			const over = () => {
				clearInterval(late);
				this.#session.off("close", over);
				resolve();
			};
			this.#session.once("close", over);
			if (!this.alive || !this.#session.ping(over)) over();
		});
	}

	/** Has the machine stay for a call that is to come. */
	async rouse(): Promise<void> {
		this.#hello = await this.#greet(undefined, DEADLINES.helloMs);
	}

	/** A new request may be sent. */
	get alive(): boolean {
		return !this.#session.closed && !this.#session.destroyed;
	}

	/** An idle one that is not referenced does not keep the process alive. */
	unref(): void {
		this.#session.unref();
		(this.#duplex as Partial<Socket>).unref?.();
	}

	ref(): void {
		this.#session.ref();
		(this.#duplex as Partial<Socket>).ref?.();
	}

	/** Every pending request rejects with connection_lost. */
	close(): void {
		clearInterval(this.#heartbeat);
		// With an error: without one, an answer that is under way ends here as if it were whole.
		this.#session.destroy(new Error("the connection was closed"));
		this.#duplex.destroy();
	}

	/** Sends a request, complete unless `streaming` says that the caller writes its body. */
	request(method: Method, path: string, body?: string | Uint8Array, streaming = false): ClientHttp2Stream {
		this.#usedAt = Date.now();
		const stream = this.#request(method, path, body === undefined && !streaming);
		this.#watch(stream);
		if (body !== undefined) stream.end(body);
		return stream;
	}

	#request(method: Method, path: string, endStream: boolean): ClientHttp2Stream {
		try {
			return this.#session.request({ ":method": method, ":path": path }, { endStream });
		} catch (cause) {
			throw new ComputerError("connection_lost", "the connection to the agent broke before the request was sent", { cause });
		}
	}

	/** A request of JSON with an answer of JSON. */
	async json(method: Method, path: string, body?: Json | string, signal?: AbortSignal): Promise<Json> {
		const stream = this.request(method, path, typeof body === "object" ? JSON.stringify(body) : body);
		return parseJson((await collect(stream, BOUNDS.guestJsonBytes, signal)).body, `the answer to ${method} ${path.split("?")[0]}`);
	}

	/** A request with an answer of bytes, all of it in memory. */
	bytes(path: string, maxBytes: number, signal?: AbortSignal): Promise<Answer> {
		return collect(this.request("GET", path), maxBytes, signal);
	}

	/** A request with a body from a source and an answer of JSON. An answer that comes early ends the sending. */
	async send(method: Method, path: string, source: Source, signal?: AbortSignal): Promise<Buffer> {
		const stream = this.request(method, path, undefined, true);
		const answer = collect(stream, BOUNDS.guestJsonBytes, signal);
		const sent = writeBody(stream, source).catch((error: unknown) => {
			abandon(stream);
			throw error;
		});
		// The source's own failure explains more than the broken answer that follows from it.
		const [written, answered] = await Promise.allSettled([sent, answer]);
		if (written.status === "rejected") throw written.reason;
		if (answered.status === "rejected") throw answered.reason;
		return answered.value.body;
	}

	/** A request whose answer is read, and whose body may be written, as it goes. */
	async open(method: Method, path: string, signal?: AbortSignal): Promise<{ stream: ClientHttp2Stream; headers: IncomingHttpHeaders }> {
		const stream = this.request(method, path, undefined, method !== "GET");
		return { stream, headers: await begin(stream, signal) };
	}

	/** A request that owes no answer at any time: a machine that stands still is no reason to give up the connection for it. */
	async stand(method: Method, path: string): Promise<ClientHttp2Stream> {
		const stream = this.#request(method, path, false);
		await begin(stream, undefined);
		return stream;
	}

	async #greet(signal: AbortSignal | undefined, helloMs: number): Promise<Hello> {
		const deadline = setTimeout(() => this.close(), helloMs);
		let json: Json;
		try {
			json = await this.json("GET", "/v1/hello", undefined, signal);
		} catch (error) {
			if (!(error instanceof ComputerError) || error.code !== "connection_lost") throw error;
			throw new ComputerError("machine_failed", "the machine's agent did not answer hello", {
				cause: error,
				hint: "Restart the computer; if that does not help, remove it and make it anew.",
			});
		} finally {
			clearTimeout(deadline);
		}
		const generation = count(json, "generation");
		if (generation !== PROTOCOL_GENERATION) {
			throw new ComputerError("not_supported", `expected an agent of protocol generation ${PROTOCOL_GENERATION}, got ${generation}`, {
				hint: "On namespaces a restart brings the agent of this version; an engine's container keeps the one it was made with: make it anew.",
				context: { generation },
			});
		}
		const { idleStopMs } = json;
		return { version: text(json, "version"), boot: text(json, "boot"), idleStopMs: typeof idleStopMs === "number" ? idleStopMs : 0 };
	}

	/**
	 * While something is pending, a ping now and then: an engine or a machine that was stopped keeps its stream
	 * open and says nothing for ever.
	 */
	#watch(stream: ClientHttp2Stream): void {
		if (this.#pending++ === 0) {
			this.#heartbeat ??= setInterval(() => this.#beat(), DEADLINES.heartbeatMs).unref();
		}
		stream.once("close", () => this.#pending--);
	}

	#beat(): void {
		if (this.#pending === 0) {
			clearInterval(this.#heartbeat);
			this.#heartbeat = undefined;
		} else if (!this.#pingUnanswered) {
			this.#pingUnanswered = this.alive && this.#session.ping(() => (this.#pingUnanswered = false));
			setTimeout(() => this.#pingUnanswered && void this.onSilence(), DEADLINES.silenceMs).unref();
		} else {
			// When it was this process that stood still, the answer is waiting to be read: read first.
			setImmediate(() => this.#pingUnanswered && void this.#giveUp());
		}
	}

	async #giveUp(): Promise<void> {
		if (!(await this.standsStill())) this.close();
	}
}
