/** Sessions of the 2025 protocol over HTTP. A client that leaves without a word is forgotten after a while. */
import { randomUUID } from "node:crypto";
import { type Server, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { SERVING } from "../limits.js";
import type { EndpointOptions } from "./endpoint.js";

interface Session {
	readonly transport: WebStandardStreamableHTTPServerTransport;
	readonly server: Server;
	readonly close: () => Promise<void>;
	/** Open requests and streams. */
	uses: number;
	usedAt: number;
}

const CHECK_MS = 60_000;

export class Sessions {
	readonly #sessions = new Map<string, Session>();
	readonly #make: EndpointOptions["openSession"];
	readonly #onError: EndpointOptions["onError"];
	readonly #timer = setInterval(() => this.#expire(Date.now() - SERVING.sessionIdleMs), CHECK_MS).unref();

	constructor(make: EndpointOptions["openSession"], onError: EndpointOptions["onError"]) {
		this.#make = make;
		this.#onError = onError;
	}

	get(id: string): WebStandardStreamableHTTPServerTransport | undefined {
		return this.#sessions.get(id)?.transport;
	}

	/** Until the answer is called. */
	use(id: string): () => void {
		const session = this.#sessions.get(id);
		if (session === undefined) return () => {};
		session.uses++;
		return () => {
			session.uses--;
			session.usedAt = Date.now();
		};
	}

	/** It is known by its id from its answer to `initialize` on. */
	async open(): Promise<WebStandardStreamableHTTPServerTransport> {
		const { close, server } = this.#make();
		const transport = new WebStandardStreamableHTTPServerTransport({
			sessionIdGenerator: randomUUID,
			maxRequestBodySize: SERVING.requestBytes,
			onsessioninitialized: (id) => {
				// Here, where it is counted: many may be on their way at once.
				if (this.#sessions.size >= SERVING.sessions) this.#dropIdlest();
				this.#sessions.set(id, { transport, server, close, uses: 0, usedAt: Date.now() });
			},
			onsessionclosed: (id) => this.#drop(id),
		});
		server.onerror = this.#onError;
		await server.connect(transport);
		return transport;
	}

	async close(): Promise<void> {
		clearInterval(this.#timer);
		for (const id of [...this.#sessions.keys()]) this.#drop(id);
		await Promise.allSettled(this.#ending);
	}

	readonly #ending = new Set<Promise<void>>();

	#drop(id: string): void {
		const session = this.#sessions.get(id);
		if (!this.#sessions.delete(id) || session === undefined) return;
		const ending = Promise.all([session.server.close(), session.close()]).then(
			() => {},
			(error) => this.#onError(error),
		);
		this.#ending.add(ending);
		ending.finally(() => this.#ending.delete(ending));
	}

	#expire(before: number): void {
		for (const [id, { usedAt, uses }] of this.#sessions) if (uses === 0 && usedAt < before) this.#drop(id);
	}

	/** One in use is only dropped when all are. */
	#dropIdlest(): void {
		const [idlest] = [...this.#sessions].toSorted(([, a], [, b]) => Math.sign(a.uses) - Math.sign(b.uses) || a.usedAt - b.usedAt);
		if (idlest !== undefined) this.#drop(idlest[0]);
	}
}
