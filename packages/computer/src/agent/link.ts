/** The way to the agent: one connection at a time, made when it is first needed and again when it broke. */
import type { Duplex } from "node:stream";
import type { Abortable } from "../driver.js";
import { ComputerError } from "../errors/index.js";
import { DEADLINES } from "../limits.js";
import { canceled, expectSignal, waitFor } from "./abort.js";
import { Connection } from "./connection.js";

export interface LinkOptions {
	/** Begins with a new byte stream to a running agent; starts the machine if it must, and begins again if it was on its way down. */
	readonly connect: <T>(begin: (stream: Duplex) => Promise<T>, options: Abortable) => Promise<T>;
	/** The agent is another one than that of the last connection, whose shells and commands are gone; or the first. */
	readonly onBoot?: (first: boolean) => void;
	/** The agent is long in answering: is its machine paused? */
	readonly onSilence?: () => Promise<void>;
	/** Is it known that the machine stands still, and goes on by itself? Then it is waited for. */
	readonly standsStill?: () => Promise<boolean>;
	/** For every new connection, before the first request of anybody's. A connection that it rejects is none. */
	readonly onConnect?: (connection: Connection) => Promise<void>;
}

export class AgentLink {
	readonly #options: LinkOptions;
	readonly #closing = new AbortController();
	#connection: Connection | undefined;
	#opening: Promise<Connection> | undefined;
	#boot: string | undefined;
	readonly #waiting = new Set<(connection: Connection) => void>();

	constructor(options: LinkOptions) {
		this.#options = options;
	}

	/** The live connection, at once if there is one: every call goes through here. */
	get(signal?: AbortSignal): Connection | Promise<Connection> {
		expectSignal(signal);
		if (signal?.aborted) throw canceled(signal);
		if (this.#connection?.alive && !this.#connection.drowsy && !this.#connection.stale) return this.#connection;
		this.expectOpen();
		return waitFor(this.#opening ?? this.#begin(this.#wake()), signal);
	}

	/** Begins with a connection that is there already. */
	adopt(connection: Connection): void {
		this.#begin(this.#accept(connection)).catch(() => {}); // whoever calls next hears of it, or gets another one
	}

	/** The live connection, if there is one. */
	get current(): Connection | undefined {
		return this.#connection?.alive ? this.#connection : undefined;
	}

	/** For what would have ended programs before it finds no connection. */
	expectOpen(): void {
		if (this.closed) throw over();
	}

	/** For good: there will be no other connection. */
	get closed(): boolean {
		return this.#closing.signal.aborted;
	}

	/** The live connection unless it is `after`, or the next one that a call makes. Makes none. */
	async next(signal: AbortSignal, after?: Connection): Promise<Connection> {
		if (this.current !== undefined && this.current !== after) return this.current;
		const ending = AbortSignal.any([signal, this.#closing.signal]);
		let resolve: (connection: Connection) => void = () => {};
		const coming = new Promise<Connection>((then) => (resolve = then));
		this.#waiting.add(resolve);
		return waitFor(coming, ending).finally(() => this.#waiting.delete(resolve));
	}

	/** Lets go of the connection; the next call makes a new one. */
	drop(): void {
		this.#connection?.close();
		this.#connection = undefined;
	}

	/** For good. Pending requests reject with connection_lost. */
	close(): void {
		this.#closing.abort();
		this.drop();
	}

	#begin(opening: Promise<Connection>): Promise<Connection> {
		this.#opening = opening
			.catch((error: unknown) => {
				// Not as what the one who closed it has canceled: whoever waits here has canceled nothing.
				throw this.closed ? over(error) : error;
			})
			.finally(() => {
				this.#opening = undefined;
			});
		return this.#opening;
	}

	/** A call that is sent as the machine stops would be lost, and one to a machine that was paused would wait for ever: it is asked first. */
	async #wake(): Promise<Connection> {
		const connection = this.#connection;
		if (!connection?.alive) return await this.#open();
		let looking: Promise<void> | undefined;
		const silence = setTimeout(() => (looking = connection.onSilence()), DEADLINES.silenceMs);
		try {
			await (connection.drowsy ? connection.rouse() : connection.hear());
		} catch {
			connection.close();
		} finally {
			clearTimeout(silence);
		}
		// So that what it has to say is there with the call's answer.
		await looking;
		return connection.alive ? connection : await this.#open();
	}

	async #open(): Promise<Connection> {
		const { signal } = this.#closing;
		return await this.#accept(await this.#options.connect((stream) => Connection.open(stream, signal), { signal }));
	}

	async #accept(connection: Connection): Promise<Connection> {
		if (this.#closing.signal.aborted) connection.close();
		// What is wrong with the machine is told by the call that goes on or fails.
		connection.onSilence = async () => await this.#options.onSilence?.().catch(() => {});
		connection.standsStill = async () => (await this.#options.standsStill?.()) ?? false;
		if (this.#boot !== connection.hello.boot) this.#options.onBoot?.(this.#boot === undefined);
		this.#boot = connection.hello.boot;
		try {
			await this.#options.onConnect?.(connection);
		} catch (error) {
			connection.close();
			throw error;
		}
		this.#connection = connection;
		for (const resolve of this.#waiting) resolve(connection);
		return connection;
	}
}

function over(cause?: unknown): ComputerError {
	return new ComputerError("invalid_argument", "this computer was closed or removed by its holder", { cause, hint: "Open it again." });
}
