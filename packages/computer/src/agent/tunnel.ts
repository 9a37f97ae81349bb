/** Ports of the guest on the host: a listener here whose every connection goes through the agent. The machine needs no network for it. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Abortable } from "../driver.js";
import { ComputerError, isComputerError } from "../errors/index.js";
import { expectText, expectWhole, refuse } from "../expect.js";
import type { AgentLink } from "./link.js";
import { openTunnel } from "./tunnel-stream.js";

export interface ForwardOptions extends Abortable {
	/** Default: any free one. */
	readonly hostPort?: number | undefined;
	/** The address to listen on. Default 127.0.0.1: nobody but this host. */
	readonly host?: string | undefined;
	/**
	 * A connection that could not be made: nothing listens on the port yet (`not_found`), say. The client sees a reset, as soon as it has sent something or after a
	 * second.
	 */
	readonly onError?: ((error: ComputerError) => void) | undefined;
}

/** As many as the agent takes. */
const MAX_CONNECTIONS = 1024;

/** For a client that waits for the server's first word, and never says one itself. */
const REFUSAL_WAIT_MS = 1000;

/** All forwards of one handle. */
export class Forwards {
	readonly #link: AgentLink;
	readonly #open = new Set<Forward>();
	#closed = false;

	constructor(link: AgentLink) {
		this.#link = link;
	}

	async open(guestPort: number, options: ForwardOptions): Promise<Forward> {
		const port = expectWhole("guestPort", guestPort, 1, 65_535);
		const hostPort = expectWhole("hostPort", options.hostPort ?? 0, 0, 65_535);
		const host = expectText("host", options.host ?? "127.0.0.1");
		if (host === "" || host.length > 255) refuse("host", "an address of this host", host);
		// A machine that cannot be reached is told now, not by a reset later.
		await this.#link.get(options.signal);
		const server = createServer({ allowHalfOpen: true, noDelay: true });
		await listen(server, hostPort, host);
		const forward = new Forward(this.#link, server, port, options.onError, () => this.#open.delete(forward));
		this.#open.add(forward);
		if (this.#closed) await forward.close();
		return forward;
	}

	async close(): Promise<void> {
		this.#closed = true;
		await Promise.all([...this.#open].map((forward) => forward.close()));
	}
}

export class Forward {
	readonly guestPort: number;
	/** Where it listens on this host. */
	readonly host: string;
	readonly port: number;
	readonly #link: AgentLink;
	readonly #server: Server;
	readonly #onError: ForwardOptions["onError"];
	readonly #sockets = new Set<Socket>();
	readonly #closed: Promise<void>;

	/** @internal */
	constructor(link: AgentLink, server: Server, guestPort: number, onError: ForwardOptions["onError"], onClose: () => void) {
		const address = server.address() as AddressInfo;
		this.guestPort = guestPort;
		this.host = address.address;
		this.port = address.port;
		this.#link = link;
		this.#server = server;
		this.#onError = onError;
		this.#closed = new Promise((resolve) => server.once("close", resolve)).then(onClose);
		server.maxConnections = MAX_CONNECTIONS;
		// Accepting failed, for want of descriptors say; the listener goes on.
		server.on("error", (cause) => this.#report(new ComputerError("limit_reached", "a connection could not be accepted", { cause })));
		server.on("connection", (socket) => void this.#serve(socket));
	}

	/** Ends the listener and every connection through it. Idempotent; the computer's close does it too. */
	close(): Promise<void> {
		this.#server.close();
		for (const socket of this.#sockets) {
			// What has not come whole ends with a reset, as by a connection that breaks.
			if (socket.writableFinished) socket.destroy();
			else socket.resetAndDestroy();
		}
		return this.#closed;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #serve(socket: Socket): Promise<void> {
		const opening = new AbortController();
		const abort = () => opening.abort();
		this.#sockets.add(socket);
		socket.once("close", () => this.#sockets.delete(socket));
		socket.once("close", abort);
		socket.on("error", () => {});
		try {
			const tunnel = await openTunnel(this.#link, this.guestPort, opening.signal);
			socket.off("close", abort);
			if (socket.destroyed) tunnel.destroy();
			else join(socket, tunnel);
		} catch (error) {
			if (!opening.signal.aborted && isComputerError(error)) this.#report(error);
			refuseClient(socket);
		}
	}

	#report(error: ComputerError): void {
		try {
			this.#onError?.(error);
		} catch {
			// The listener's caller is not there to be told.
		}
	}
}

/**
 * A reset, but not before the client is up: a port where nothing listens refuses while one connects, and this one had to be accepted first. Node's fetch before
 * undici 7 loads its parser between the two, in the first request of a process, and never settles if it is reset meanwhile.
 */
function refuseClient(socket: Socket): void {
	if (socket.destroyed) return;
	const reset = () => socket.resetAndDestroy();
	const wait = setTimeout(reset, REFUSAL_WAIT_MS);
	socket.once("close", () => clearTimeout(wait));
	// Its first bytes, or its end.
	socket.once("readable", reset);
}

/** Both ways, each side ended by itself; a connection that breaks on one side is reset on the other, so that half is never taken for the whole. */
function join(socket: Socket, tunnel: Duplex): void {
	socket.pipe(tunnel).pipe(socket);
	tunnel.on("error", () => socket.resetAndDestroy());
	socket.once("close", () => {
		if (!socket.readableEnded || !socket.writableFinished) tunnel.destroy();
	});
}

function listen(server: Server, port: number, host: string): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once("error", (cause: NodeJS.ErrnoException) => reject(cannotListen(cause, port, host)));
		server.listen({ port, host, exclusive: true }, () => {
			server.removeAllListeners("error");
			resolve();
		});
	});
}

function cannotListen(cause: NodeJS.ErrnoException, port: number, host: string): ComputerError {
	const where = `port ${port} of ${host}`;
	if (cause.code === "EADDRINUSE") {
		return new ComputerError("already_exists", `something else listens on ${where}`, { cause, hint: "Choose another hostPort, or none." });
	}
	if (cause.code === "EACCES") {
		return new ComputerError("permission_denied", `this user may not listen on ${where}`, { cause, hint: "Choose a hostPort from 1024." });
	}
	return new ComputerError("invalid_argument", `this host cannot listen on ${where}: ${cause.code ?? cause.message}`, { cause });
}
