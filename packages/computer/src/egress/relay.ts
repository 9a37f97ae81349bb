/**
 * HTTP that we read: requests to a proxy in the open, and those inside TLS that we end because a secret belongs in. Node's parser takes each request apart
 * and a new one goes out, so that what one server would read otherwise than another never gets there.
 */
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import { connect as secure } from "node:tls";
import { CONNECT_MS, DialError } from "./dial.js";
import { readAuthority, showTarget } from "./host.js";
import { type Destination, printable, Refused } from "./policy.js";
import { Scrub, scrubbing, scrubText } from "./scrub.js";

import { type Secret, secretValue } from "./secrets.js";
import { hostTrust } from "./trust.js";

/** What every request of one client has in common. */
export interface Scope {
	/** Where all of them go; undefined: each says so itself, as to a proxy. */
	readonly destination?: Destination;
	/** Inside TLS. */
	readonly secure: boolean;
	/** Their Host must be the destination's. */
	readonly byName: boolean;
	readonly secrets: readonly Secret[];
	/** A connection that is there already, once. */
	readonly ready?: () => Socket | undefined;
}

export interface RelayOptions {
	/** By the rules of this moment; tells of it. */
	readonly decide: (host: string, port: number) => Promise<Destination | Refused>;
	/** Tells of a refusal that was found out later, and of a request that goes through. */
	readonly refused: (refused: Refused) => void;
	readonly allowed: (destination: Destination, secrets: readonly Secret[]) => void;
	/** From now on the client has something from there, until the answer is called. */
	readonly carries: (client: Duplex, destination: Destination) => () => void;
	readonly dial: (destination: Destination) => Promise<Socket>;
	readonly textOf: (refused: Refused) => string;
	readonly reasonOf: (refused: Refused) => string;
}

const MAX_HEADER_BYTES = 64 * 1024;
const MAX_HEADERS = 200;
const HEADERS_MS = 60_000;
/** Between two hops alone (RFC 9110, 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
	"connection",
	"keep-alive",
	"proxy-authenticate",
	"proxy-authorization",
	"proxy-connection",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
]);

/** Ask for a part of a page, in the words of some hosts, too; or for WebSockets that are compressed. */
const PARTS = ["range", "if-range", "request-range", "x-ms-range", "x-goog-range", "sec-websocket-extensions"] as const;
/** Of a body that was packed. */
const OF_THE_PACKED: ReadonlySet<string> = new Set(["content-encoding", "content-length", "content-md5", "digest", "content-digest"]);

export class Relay {
	readonly #options: RelayOptions;
	readonly #server: http.Server;
	readonly #scopes = new WeakMap<object, Scope>();

	constructor(options: RelayOptions) {
		this.#options = options;
		const settings = { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_MS, requestTimeout: 0, keepAliveTimeout: HEADERS_MS };
		this.#server = http.createServer({ ...settings, insecureHTTPParser: false, requireHostHeader: false }, (request, response) => {
			void this.#serve(request, response).catch(() => request.socket.destroy());
		});
		this.#server.maxHeadersCount = MAX_HEADERS;
		this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
			void this.#upgrade(request, socket, head).catch(() => socket.destroy());
		});
		this.#server.on("connect", (_request: IncomingMessage, socket: Duplex) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
	}

	serve(client: Duplex, scope: Scope): void {
		this.#scopes.set(client, scope);
		this.#server.emit("connection", client);
	}

	/** The clients are their owner's to end. */
	close(): void {
		this.#server.close();
	}

	async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		response.on("error", () => {});
		const scope = this.#scopes.get(request.socket) as Scope;
		const destination = await this.#destination(request, scope);
		if (destination instanceof Refused) return this.#refuse(response, destination);
		const asked = await this.#send(request, destination, scope, {});
		if (asked instanceof Refused) return this.#refuse(response, asked);
		const { outgoing, values } = asked;
		outgoing.on("response", (answer) => {
			const through = scrubbing(values, answer.headers["content-encoding"]);
			if (through === undefined) {
				answer.destroy();
				return fail(response, 502, "the host's answer is packed in a way that can not be looked through for the secret");
			}
			try {
				response.writeHead(answer.statusCode ?? 502, asReason(scrubText(answer.statusMessage ?? "", values)), scrubHeaders(answer, values));
			} catch {
				// A header that no server of Node's writes.
				answer.destroy();
				return fail(response, 502, "the host's answer is not HTTP");
			}
			pipeline([answer, ...through, response], () => {});
		});
		outgoing.on("error", () => {
			if (response.headersSent) response.destroy();
			else fail(response, 502, "the connection to the host broke");
		});
		response.once("close", () => outgoing.destroy());
		if (hasBody(request)) pipeline(request, outgoing, () => {});
		else outgoing.end();
	}

	/** A WebSocket: after the handshake, bytes both ways. */
	async #upgrade(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
		client.on("error", () => {});
		const scope = this.#scopes.get(client) as Scope;
		const deny = (refused: Refused, status = "403 Forbidden") => {
			const text = this.#options.textOf(refused);
			client.end(`HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`);
		};
		if (request.headers.upgrade?.toLowerCase() !== "websocket") {
			return deny(new Refused("", "only websocket can be upgraded to"), "501 Not Implemented");
		}
		const destination = await this.#destination(request, scope);
		if (destination instanceof Refused) return deny(destination);
		const asked = await this.#send(request, destination, scope, { connection: "upgrade", upgrade: "websocket" });
		if (asked instanceof Refused) return deny(asked);
		const { outgoing, values } = asked;
		client.once("close", () => outgoing.destroy());
		outgoing.on("error", () => client.destroy());
		outgoing.on("response", (answer) => {
			const through = scrubbing(values, answer.headers["content-encoding"]);
			if (through === undefined) return void client.destroy();
			client.write(headOf(answer, values));
			pipeline([answer, ...through, client], () => {});
		});
		outgoing.on("upgrade", (answer, server, first) => {
			client.write(headOf(answer, values));
			server.unshift(first);
			client.unshift(head);
			pipeline(client, server, () => {});
			pipeline(server, new Scrub(values), client, () => {});
		});
		outgoing.end();
	}

	/** Where the request goes, once everything that it says of it is the same. */
	async #destination(request: IncomingMessage, scope: Scope): Promise<Destination | Refused> {
		const { destination } = scope;
		const fallback = scope.secure ? 443 : 80;
		const url = request.url ?? "";
		const absolute = /^http:\/\/([^/?#]*)(.*)$/is.exec(url);
		const hosts = request.rawHeaders.filter((_, index) => request.rawHeaders[index - 1]?.toLowerCase() === "host" && index % 2 === 1);
		const said = hosts.length === 1 ? readAuthority(hosts[0] as string, fallback) : undefined;
		if (absolute === null && destination === undefined) return new Refused(printable(url), "it is no request to a proxy: it names no host");
		if (absolute === null && !/^[/*]/.test(url)) return new Refused(printable(url), "it is no path of a host");
		const named = absolute === null ? undefined : readAuthority(absolute[1] as string, 80);
		if (absolute !== null && (named === undefined || scope.secure)) return new Refused(printable(url), "its address can not be read");
		// An HTTP/1.0 client may say its host in the address alone.
		const inside = said ?? (hosts.length === 0 ? named : undefined);
		const target = destination ?? named;
		if (target === undefined) return new Refused("", "it names no host");
		const alike = (other: typeof named) => other !== undefined && other.host.text === target.host.text && other.port === target.port;
		const byName = destination === undefined || scope.byName;
		if (byName && !(alike(inside) && (named === undefined || alike(named)))) {
			const refused = new Refused(
				showTarget(target.host.text, target.port),
				`the connection is to ${showTarget(target.host.text, target.port)}, and the request in it to another host, ${printable(hosts[0] ?? "none")}`,
			);
			this.#options.refused(refused);
			return refused;
		}
		return await this.#options.decide(target.host.text, target.port);
	}

	async #send(
		request: IncomingMessage,
		destination: Destination,
		scope: Scope,
		more: OutgoingHttpHeaders,
	): Promise<{ readonly outgoing: http.ClientRequest; readonly values: readonly string[] } | Refused> {
		const { host, port } = destination;
		const headers = forwarded(request);
		const defaultPort = scope.secure ? 443 : 80;
		// The body is framed anew, and as it came: with a length, or in parts.
		if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
		// As the client wrote it: a server may know its own name in one form only.
		headers["host"] = request.headers.host ?? (port === defaultPort ? bracketed(host.text) : showTarget(host.text, port));
		const values: string[] = [];
		for (const secret of scope.secrets) {
			const value = secretValue(secret);
			if (value === undefined)
				return new Refused(showTarget(host.text, port), `the value of the secret ${secret.name} is not known to this process`);
			headers[secret.header] = secret.template.replace("{}", () => value);
			values.push(value);
		}
		// What is compressed, or comes in parts, could not be looked through.
		if (values.length > 0) {
			headers["accept-encoding"] = "identity";
			for (const name of PARTS) delete headers[name];
		}
		let socket: Socket;
		try {
			socket = scope.ready?.() ?? (await this.#options.dial(destination));
			if (scope.secure) socket = await handshake(socket, host.text, request.socket);
		} catch (error) {
			return this.#failed(destination, error);
		}
		this.#options.allowed(destination, scope.secrets);
		if (request.socket.destroyed) socket.destroy();
		const path = (request.url ?? "/").replace(/^http:\/\/[^/?#]*/i, "").replace(/^(?![/*])/, "/");
		const method = request.method ?? "GET";
		// No agent: one would make connections of its own.
		const outgoing = http.request({ method, path, headers: { ...headers, ...more }, createConnection: () => socket, setHost: false });
		// One that was read from before stands still.
		outgoing.once("socket", () => socket.resume());
		const done = this.#options.carries(request.socket, destination);
		// One that is upgraded closes too, and its connection goes on.
		let upgraded = false;
		if (more["upgrade"] !== undefined) outgoing.once("upgrade", () => (upgraded = true));
		outgoing.once("close", () => {
			if (upgraded) return void request.socket.once("close", done);
			done();
			socket.destroy();
		});
		return { outgoing, values };
	}

	#failed({ host, port }: Destination, error: unknown): Refused {
		const reason = error instanceof Error ? error.message : String(error);
		const refused = new Unreachable(showTarget(host.text, port), reason);
		if (error instanceof DialError && error.forbidden) this.#options.refused(new Refused(refused.target, reason));
		return error instanceof DialError && error.forbidden ? new Refused(refused.target, reason) : refused;
	}

	#refuse(response: ServerResponse, refused: Refused): void {
		const unreachable = refused instanceof Unreachable;
		const text = unreachable ? `lms-computer could not reach it: ${refused.reason}.\n` : this.#options.textOf(refused);
		response.writeHead(unreachable ? 502 : 403, asReason(unreachable ? refused.reason : this.#options.reasonOf(refused)), {
			"content-type": "text/plain; charset=utf-8",
			"content-length": Buffer.byteLength(text),
			connection: "close",
		});
		response.end(text);
	}
}

/** It was allowed, and is not there. */
class Unreachable extends Refused {}

/** It ends when its client goes: nobody else would end it, and a server may be silent for ever. */
async function handshake(socket: Socket, name: string, client: Socket): Promise<Socket> {
	const ca = await hostTrust();
	return await new Promise((resolve, reject) => {
		const fail = (reason: string) => {
			over();
			socket.destroy();
			reject(new DialError(`${name} could not show that it is itself: ${reason}`, false));
		};
		const gone = () => fail("who asked has gone");
		const late = setTimeout(() => fail("no answer in time"), CONNECT_MS);
		const over = () => {
			clearTimeout(late);
			client.off("close", gone);
		};
		client.once("close", gone);
		if (client.destroyed) return gone();
		const inside = secure({ socket, servername: name, ca, ALPNProtocols: ["http/1.1"] }, () => {
			over();
			inside.removeAllListeners("error");
			inside.on("error", () => {});
			resolve(inside);
		});
		inside.once("error", (error) => fail(error.message));
	});
}

function forwarded(message: IncomingMessage): OutgoingHttpHeaders {
	const named = (message.headers.connection ?? "").toLowerCase().split(/[\s,]+/);
	const headers: Record<string, string | string[]> = Object.create(null);
	for (let index = 0; index < message.rawHeaders.length; index += 2) {
		const name = (message.rawHeaders[index] as string).toLowerCase();
		const value = message.rawHeaders[index + 1] as string;
		if (HOP_BY_HOP.has(name) || named.includes(name) || name === "host") continue;
		const before = headers[name];
		headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
	}
	if (message.headers["transfer-encoding"] !== undefined) delete headers["content-length"];
	return headers;
}

function hasBody({ headers }: IncomingMessage): boolean {
	return headers["transfer-encoding"] !== undefined || headers["content-length"] !== undefined;
}

function scrubHeaders(answer: IncomingMessage, values: readonly string[]): OutgoingHttpHeaders {
	const headers = forwarded(answer);
	if (isUnpacked(answer, values)) for (const name of OF_THE_PACKED) delete headers[name];
	for (const [name, value] of Object.entries(headers)) {
		headers[name] = Array.isArray(value) ? value.map((one) => scrubText(one, values)) : scrubText(String(value), values);
	}
	return headers;
}

function isUnpacked(answer: IncomingMessage, values: readonly string[]): boolean {
	return values.length > 0 && answer.headers["content-encoding"] !== undefined;
}

function headOf(answer: IncomingMessage, values: readonly string[]): string {
	const unpacked = isUnpacked(answer, values);
	const lines = answer.rawHeaders.flatMap((name, index) =>
		// The body has been taken out of its parts by now, and ends with the connection.
		index % 2 === 0 && name.toLowerCase() !== "transfer-encoding" && !(unpacked && OF_THE_PACKED.has(name.toLowerCase()))
			? `${name}: ${scrubText(answer.rawHeaders[index + 1] as string, values)}`
			: [],
	);
	return `HTTP/1.1 ${answer.statusCode} ${asReason(scrubText(answer.statusMessage ?? "", values))}\r\n${lines.join("\r\n")}\r\n\r\n`;
}

function fail(response: ServerResponse, status: number, text: string): void {
	response.writeHead(status, { "content-type": "text/plain", connection: "close" });
	response.end(`lms-computer: ${text}\n`);
}

function bracketed(host: string): string {
	return host.includes(":") ? `[${host}]` : host;
}

function asReason(text: string): string {
	return text.replace(/[^\x20-\x7e]/g, " ").slice(0, 200);
}
