/** What a client begins with on a connection that is to be carried as it is: TLS, HTTP in the open, or something else. */
import type { Duplex } from "node:stream";
import { type ClientHello, looksLikeTls, readClientHello, readSecondHello } from "./client-hello.js";

export type Beginning =
	| { readonly kind: "tls"; readonly serverName: string | undefined; readonly end: number }
	/** It begins like TLS or HTTP, and goes on as neither does. */
	| { readonly kind: "broken" }
	| { readonly kind: "http" }
	| { readonly kind: "other" };

const MAX_HELLO_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 16 * 1024;

/** Waits for as much as it takes to tell; all that was read is put back. Undefined: the client ended, having said nothing. */
export function beginning(stream: Duplex, tell = classify): Promise<Beginning | undefined> {
	return new Promise((resolve) => {
		const chunks: Buffer[] = [];
		const finish = (found: Beginning | undefined) => {
			stream.off("readable", look);
			for (const event of ["end", "close", "error"]) stream.off(event, ended);
			if (chunks.length > 0 && !stream.destroyed) stream.unshift(Buffer.concat(chunks));
			resolve(found);
		};
		const ended = () => finish(chunks.length > 0 ? { kind: "other" } : undefined);
		const look = () => {
			for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) chunks.push(chunk);
			const found = chunks.length > 0 ? tell(Buffer.concat(chunks)) : undefined;
			if (found !== undefined) finish(found);
		};
		stream.on("readable", look);
		for (const event of ["end", "close", "error"]) stream.once(event, ended);
		look();
	});
}

/** Change of cipher, alert, data, heartbeat (RFC 8446, B.1; RFC 6520). */
const OTHER_RECORDS: ReadonlySet<number> = new Set([20, 21, 23, 24]);

/** Undefined: too little to tell yet. */
export function classify(bytes: Buffer): Beginning | undefined {
	if (looksLikeTls(bytes)) return known(bytes, readClientHello(bytes));
	// Go's servers pass over alerts before the hello, and read the name after them: what begins with another record of TLS is not looked into, so it is none.
	if (OTHER_RECORDS.has(bytes[0] as number)) {
		if (bytes.length < 2) return undefined;
		if (bytes[1] === 3) return { kind: "broken" };
	}
	// Servers take empty lines before a request, more than one blank between its parts, and any byte in its path.
	const text = bytes
		.subarray(0, MAX_LINE_BYTES)
		.toString("latin1")
		.replace(/^[\r\n]+/, "");
	const end = text.indexOf("\n");
	if (end !== -1) return { kind: /HTTP\/\d/i.test(text.slice(0, end)) ? "http" : "other" };
	if (!MAY_BE_A_REQUEST.test(text)) return { kind: "other" };
	return bytes.length >= MAX_LINE_BYTES ? { kind: "broken" } : undefined;
}

/** What follows when a server has asked for a second hello. */
export function classifySecond(bytes: Buffer): Beginning | undefined {
	return known(bytes, readSecondHello(bytes));
}

function known(bytes: Buffer, hello: ClientHello): Beginning | undefined {
	if (hello === "broken" || (hello === "partial" && bytes.length >= MAX_HELLO_BYTES)) return { kind: "broken" };
	return hello === "partial" ? undefined : { kind: "tls", ...hello };
}

/** A method, as far as it came, and then whatever. */
const MAY_BE_A_REQUEST = /^[!#$%&'*+.^_`|~0-9A-Za-z-]*($|[ \t])/;
