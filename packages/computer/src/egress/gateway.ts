/** Decides on every connection that a program in the machine wants, and carries those that are allowed. One for each holder of a computer. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type SecureContext, TLSSocket } from "node:tls";
import type { Wanted } from "../agent/egress.js";
import { BOUNDS } from "../limits.js";
import type { Authority } from "./authority.js";
import { DialError, dial, type Lookup } from "./dial.js";
import { type Beginning, beginning } from "./first-bytes.js";
import { readHost, showTarget } from "./host.js";
import { type Destination, decide, type EgressDecision, isByName, type Policy, Refused, refusalReason, refusalText } from "./policy.js";
import { Relay, type Scope } from "./relay.js";
import { secondBeginning } from "./second-hello.js";
import { type Secret, secretsFor, secretValue } from "./secrets.js";

export interface GatewayOptions {
	/** For what the user is told to type. */
	readonly computer: string;
	/** As it is now: rules change while the machine runs. */
	readonly policy: () => Promise<Policy>;
	readonly authority: () => Promise<Authority>;
	readonly onDecision: (decision: EgressDecision) => void;
	readonly lookup?: Lookup | undefined;
}

/** What TLS says to a client that asked for one name and then for another: access_denied (RFC 8446, 6). */
const FAREWELL_MS = 2000;
const ACCESS_DENIED = Buffer.from([21, 3, 3, 0, 2, 2, 49]);

export class Gateway {
	readonly #options: GatewayOptions;
	readonly #relay: Relay;
	readonly #open = new Set<Duplex>();
	/** What is under way: connections, and requests of those whose every request is decided for itself. */
	readonly #carried = new Set<{ readonly client: Duplex; readonly destination: Destination }>();
	#count = 0;
	#rechecking: Promise<void> | undefined;
	#recheckAgain = false;

	constructor(options: GatewayOptions) {
		this.#options = options;
		this.#relay = new Relay({
			decide: (host, port) => this.#decide(host, port),
			refused: (refused) => this.#tell(refused),
			allowed: (destination, secrets) => this.#tell(destination, secrets),
			carries: (client, destination) => this.#carries(client, destination),
			dial: async ({ host, port }) => dial((await options.policy()).rules, host, port, options.lookup),
			textOf: (refused) => refusalText(options.computer, refused),
			reasonOf: (refused) => refusalReason(options.computer, refused),
		});
	}

	/** Never throws. */
	serve(wanted: Wanted): void {
		if (this.#count >= BOUNDS.egressConnections) {
			const text = `this process already carries ${BOUNDS.egressConnections} connections`;
			wanted.refuse({ status: 503, reason: text, text: `lms-computer: ${text}.\n` });
			return;
		}
		this.#count++;
		wanted.take();
		this.#handle(wanted)
			// The program, the machine or the host has gone meanwhile: nobody is there to be told.
			.catch(() => {})
			.finally(() => this.#count--);
	}

	/** Ends what was allowed and is no more. The machine can ask for it as often as it likes: one at a time, and one more. */
	recheck(): Promise<void> {
		this.#recheckAgain = true;
		this.#rechecking ??= this.#recheckAll().finally(() => {
			this.#rechecking = undefined;
		});
		return this.#rechecking;
	}

	async #recheckAll(): Promise<void> {
		while (this.#recheckAgain) {
			this.#recheckAgain = false;
			await this.#recheckOnce();
		}
	}

	async #recheckOnce(): Promise<void> {
		const policy = await this.#options.policy();
		for (const { client, destination } of this.#carried) {
			const decision = client.destroyed ? undefined : decide(policy, destination.host.text, destination.port);
			if (!(decision instanceof Refused)) continue;
			this.#tell(decision);
			client.destroy();
		}
	}

	/** Every connection ends. */
	close(): void {
		this.#relay.close();
		for (const stream of this.#open) stream.destroy();
	}

	async #handle(wanted: Wanted): Promise<void> {
		if (wanted.via === "http") {
			return await this.#read(await wanted.accept(), { secure: false, byName: true, secrets: [] });
		}
		const { secrets } = await this.#options.policy();
		const host = readHost(wanted.host);
		const own = host === undefined ? [] : secretsFor(secrets, host, wanted.port);
		// Another process of the user's may have the value; this one must not send the request without it.
		if (own.some((secret) => secretValue(secret) === undefined)) return wanted.pass();
		const destination = await this.#decide(wanted.host, wanted.port);
		if (destination instanceof Refused) return this.#refuse(wanted, destination);
		if (own.length > 0) return await this.#intercept(await wanted.accept(), destination, own);
		let socket: Socket;
		try {
			socket = await dial((await this.#options.policy()).rules, destination.host, destination.port, this.#options.lookup);
		} catch (error) {
			return this.#undialed(wanted, destination, error);
		}
		const client = await wanted.accept().catch((error: unknown) => {
			socket.destroy();
			throw error;
		});
		this.#tell(destination);
		await this.#carry(client, socket, destination);
	}

	/** Bytes both ways, once it is sure that they mean the host that was asked for. What the host says first goes through at once. */
	async #carry(client: Duplex, socket: Socket, destination: Destination): Promise<void> {
		this.#keep(client);
		this.#keep(socket);
		client.once("close", this.#carries(client, destination));
		const ends = join(client, socket);
		if (!isByName(destination)) return await ends.forward();
		const begins = await beginning(client);
		let refused = begins === undefined ? undefined : unlike(begins, destination);
		if (refused === undefined && begins?.kind === "tls") {
			const second = await secondBeginning(client, socket, begins.end);
			refused = second === undefined ? undefined : unlike(second, destination);
		}
		if (refused !== undefined) {
			this.#tell(refused);
			ends.stop();
			socket.destroy();
			client.end(ACCESS_DENIED);
			client.resume();
			setTimeout(() => client.destroy(), FAREWELL_MS).unref();
			return;
		}
		if (begins?.kind !== "http" || socket.bytesRead > 0) return await ends.forward();
		ends.stop();
		let ready: Socket | undefined = socket;
		const take = () => {
			const taken = ready?.destroyed ? undefined : ready;
			ready = undefined;
			return taken;
		};
		client.once("close", () => ready?.destroy());
		await this.#read(client, { destination, secure: false, byName: true, secrets: [], ready: take });
	}

	/** Ends the client's TLS here, in the host's name. */
	async #intercept(client: Duplex, destination: Destination, secrets: readonly Secret[]): Promise<void> {
		this.#keep(client);
		const begins = await beginning(client);
		const refused = begins === undefined ? undefined : unlike(begins, destination);
		if (begins?.kind !== "tls" || refused !== undefined) {
			if (begins !== undefined) this.#tell(refused ?? new Refused(targetOf(destination), "a secret goes over TLS alone"));
			client.end();
			return;
		}
		const secureContext = await this.#contextFor(destination).catch((error: unknown) => {
			// It was accepted: nobody else ends it.
			client.destroy();
			throw error;
		});
		const inside = new TLSSocket(client, { isServer: true, secureContext, ALPNProtocols: ["http/1.1"] });
		inside.on("error", () => client.destroy());
		await this.#read(inside, { destination, secure: true, byName: true, secrets });
	}

	async #contextFor({ host }: Destination): Promise<SecureContext> {
		const authority = await this.#options.authority();
		return await authority.contextFor(host.text);
	}

	async #read(client: Duplex, scope: Scope): Promise<void> {
		this.#keep(client);
		this.#relay.serve(client, scope);
		await closed(client);
	}

	/** What is allowed is told of once it is there. */
	async #decide(host: string, port: number): Promise<Destination | Refused> {
		const decision = decide(await this.#options.policy(), host, port);
		if (decision instanceof Refused) this.#tell(decision);
		return decision;
	}

	#refuse(wanted: Wanted, refused: Refused): void {
		const { computer } = this.#options;
		wanted.refuse({ status: 403, reason: refusalReason(computer, refused), text: refusalText(computer, refused) });
	}

	#undialed(wanted: Wanted, destination: Destination, error: unknown): void {
		const reason = error instanceof Error ? error.message : String(error);
		if (error instanceof DialError && error.forbidden) {
			const refused = new Refused(targetOf(destination), reason);
			this.#tell(refused);
			this.#refuse(wanted, refused);
		} else wanted.refuse({ status: 502, reason, text: `lms-computer could not reach it: ${reason}.\n` });
	}

	#tell(what: Destination | Refused, secrets: readonly Secret[] = []): void {
		const at = Date.now();
		const decision: EgressDecision =
			what instanceof Refused
				? { at, allowed: false, target: what.target, reason: what.reason }
				: {
						at,
						allowed: true,
						target: targetOf(what),
						rule: what.rule.text,
						...(secrets.length > 0 ? { secrets: secrets.map(({ name }) => name) } : {}),
					};
		this.#options.onDecision(decision);
	}

	#carries(client: Duplex, destination: Destination): () => void {
		const one = { client, destination };
		this.#carried.add(one);
		return () => void this.#carried.delete(one);
	}

	#keep(stream: Duplex): void {
		if (this.#open.has(stream)) return;
		this.#open.add(stream);
		// HTTP, TLS and the pipes each listen for its end.
		stream.setMaxListeners(40);
		stream.on("error", () => {});
		stream.once("close", () => this.#open.delete(stream));
	}
}

function unlike(begins: Beginning, destination: Destination): Refused | undefined {
	const target = targetOf(destination);
	if (begins.kind === "broken") return new Refused(target, "it begins like TLS or HTTP and goes on as neither does");
	if (begins.kind !== "tls" || begins.serverName === undefined) return undefined;
	if (readHost(begins.serverName)?.text === destination.host.text) return undefined;
	return new Refused(target, `the connection is to ${target}, and TLS in it asks for another host, ${begins.serverName.slice(0, 300)}`);
}

function targetOf({ host, port }: Destination): string {
	return showTarget(host.text, port);
}

/** The host's bytes go to the client from now on, the client's when they are let; half ends stay half ends, and a break is a break. */
function join(client: Duplex, socket: Socket): { forward(): Promise<void>; stop(): void } {
	socket.pipe(client);
	const breakClient = () => {
		if (!socket.readableEnded || !socket.writableFinished) client.destroy();
	};
	const breakSocket = () => {
		if (!client.readableEnded || !client.writableFinished) socket.resetAndDestroy();
	};
	socket.once("close", breakClient);
	client.once("close", breakSocket);
	return {
		forward: async () => {
			client.pipe(socket);
			await closed(client);
		},
		stop: () => {
			socket.unpipe(client);
			socket.off("close", breakClient);
			client.off("close", breakSocket);
		},
	};
}

async function closed(stream: Duplex): Promise<void> {
	if (!stream.closed) await new Promise<void>((resolve) => stream.once("close", resolve));
}
