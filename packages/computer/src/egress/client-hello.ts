/** The name that a TLS client says it wants, from its first bytes (RFC 8446, 4.1.2; RFC 6066, 3). Pure; reads nothing else of TLS. */

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
/** A record's content may have 2^14 bytes and a little. */
const MAX_RECORD = 16_384 + 256;

export type ClientHello =
	/** More bytes are needed. */
	| "partial"
	/** It begins like TLS and is none. */
	| "broken"
	| { readonly serverName: string | undefined };

export function looksLikeTls(bytes: Buffer): boolean {
	return bytes[0] === HANDSHAKE;
}

/** @param bytes all that came so far, beginning with the first */
export function readClientHello(bytes: Buffer): ClientHello {
	const records: Buffer[] = [];
	let size = 0;
	for (let at = 0; ; ) {
		const message = Buffer.concat(records, size);
		if (message.length >= 4) {
			if (message[0] !== CLIENT_HELLO) return "broken";
			const length = message.readUIntBE(1, 3);
			if (message.length >= 4 + length) return serverName(message.subarray(4, 4 + length));
		}
		if (at + 5 > bytes.length) return "partial";
		const length = bytes.readUInt16BE(at + 3);
		if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3 || length === 0 || length > MAX_RECORD) return "broken";
		if (at + 5 + length > bytes.length) return "partial";
		records.push(bytes.subarray(at + 5, at + 5 + length));
		size += length;
		at += 5 + length;
	}
}

function serverName(hello: Buffer): ClientHello {
	try {
		const reader = new Reader(hello);
		reader.skip(2 + 32); // version, random
		reader.block(1); // session
		reader.block(2); // cipher suites
		reader.block(1); // compression
		if (reader.empty) return { serverName: undefined };
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
		return found[0] === undefined ? { serverName: undefined } : { serverName: onlyName(found[0]) };
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
