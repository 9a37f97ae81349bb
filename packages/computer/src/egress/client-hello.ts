/** The name that a TLS client says it wants, from its first bytes (RFC 8446, 4.1.2; RFC 6066, 3). Pure; reads nothing else of TLS. */
import { createHash } from "node:crypto";

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const SERVER_NAME = 0;
const HOST_NAME = 0;
/** A record's content may have 2^14 bytes and a little. */
const MAX_RECORD = 16_384 + 256;

export type ClientHello =
	/** More bytes are needed. */
	| "partial"
	/** It begins like TLS and is none. */
	| "broken"
	/** `end` is where its last record ends. */
	| { readonly serverName: string | undefined; readonly end: number };

export function looksLikeTls(bytes: Buffer): boolean {
	return bytes[0] === HANDSHAKE;
}

/** @param bytes all that came so far, beginning with the first */
export function readClientHello(bytes: Buffer): ClientHello {
	const message = firstMessage(bytes, CLIENT_HELLO);
	return typeof message === "string" ? message : serverName(message.body, message.end);
}

/** The hash that stands where a ServerHello has its random (RFC 8446, 4.1.3). */
const RETRY = createHash("sha256").update("HelloRetryRequest").digest();

/** Whether a server, by the first that it says, has the client say hello once more: with a name that may be another. Undefined: more bytes are needed. */
export function asksForAnother(bytes: Buffer): boolean | undefined {
	const at = afterRecords(bytes, ALERTS);
	const message = at === undefined ? "partial" : firstMessage(bytes.subarray(at), SERVER_HELLO);
	if (message === "partial") return undefined;
	return message !== "broken" && message.body.subarray(2, 2 + RETRY.length).equals(RETRY);
}

/** The second one: before it may be what a client sends for the sake of older networks, and data that was too early (RFC 8446, 4.2.10 and D.4). */
export function readSecondHello(bytes: Buffer): ClientHello {
	const at = afterRecords(bytes, NO_HANDSHAKE);
	return at === undefined ? "partial" : readClientHello(bytes.subarray(at));
}

/** Change of cipher, application data. */
const NO_HANDSHAKE: ReadonlySet<number> = new Set([20, 23]);
const ALERTS: ReadonlySet<number> = new Set([21]);

/** Where the first record of another kind begins. */
function afterRecords(bytes: Buffer, kinds: ReadonlySet<number>): number | undefined {
	for (let at = 0; ; at += 5 + bytes.readUInt16BE(at + 3)) {
		if (at >= bytes.length) return undefined;
		if (!kinds.has(bytes[at] as number)) return at;
		if (at + 5 > bytes.length) return undefined;
	}
}

/** Of the handshake, out of its records. Each byte is looked at once: a machine may send them one by one. */
function firstMessage(bytes: Buffer, kind: number): "partial" | "broken" | { readonly body: Buffer; readonly end: number } {
	const records: Buffer[] = [];
	let wanted: number | undefined;
	for (let at = 0, size = 0; ; ) {
		if (wanted === undefined && size >= 4) {
			const head = Buffer.concat(records, 4);
			if (head[0] !== kind) return "broken";
			wanted = 4 + head.readUIntBE(1, 3);
		}
		if (wanted !== undefined && size >= wanted) return { body: Buffer.concat(records, wanted).subarray(4), end: at };
		if (at + 5 > bytes.length) return "partial";
		const length = bytes.readUInt16BE(at + 3);
		if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3 || length === 0 || length > MAX_RECORD) return "broken";
		if (at + 5 + length > bytes.length) return "partial";
		records.push(bytes.subarray(at + 5, at + 5 + length));
		size += length;
		at += 5 + length;
	}
}

function serverName(hello: Buffer, end: number): ClientHello {
	try {
		const reader = new Reader(hello);
		reader.skip(2 + 32); // version, random
		reader.block(1); // session
		reader.block(2); // cipher suites
		reader.block(1); // compression
		if (reader.empty) return { serverName: undefined, end };
		const extensions = new Reader(reader.block(2));
		if (!reader.empty) return "broken";
		const found: Buffer[] = [];
		while (!extensions.empty) {
			const type = extensions.number(2);
			const content = extensions.block(2);
			if (type === SERVER_NAME) found.push(content);
		}
		// Servers differ in which of two they take.
		if (found.length > 1) return "broken";
		return { serverName: found[0] === undefined ? undefined : onlyName(found[0]), end };
	} catch {
		return "broken";
	}
}

function onlyName(content: Buffer): string {
	const outer = new Reader(content);
	const list = new Reader(outer.block(2));
	const type = list.number(1);
	const name = list.block(2);
	if (!outer.empty || !list.empty || type !== HOST_NAME || name.some((byte) => byte <= 0x20 || byte >= 0x7f)) {
		throw new RangeError("expected one host name");
	}
	return name.toString("latin1");
}

/** Throws a RangeError past the end. */
class Reader {
	readonly #bytes: Buffer;
	#at = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	get empty(): boolean {
		return this.#at === this.#bytes.length;
	}

	number(size: 1 | 2): number {
		const value = this.#bytes.readUIntBE(this.#at, size);
		this.#at += size;
		return value;
	}

	skip(size: number): void {
		if (this.#at + size > this.#bytes.length) throw new RangeError("past the end");
		this.#at += size;
	}

	/** A length of so many bytes, and what it counts. */
	block(lengthBytes: 1 | 2): Buffer {
		const length = this.number(lengthBytes);
		const begin = this.#at;
		this.skip(length);
		return this.#bytes.subarray(begin, begin + length);
	}
}
