import { createHash, randomBytes } from "node:crypto";
import type net from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import tls from "node:tls";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asksForAnother, readClientHello, readSecondHello } from "../../packages/computer/src/egress/client-hello.js";
import { beginning, classify } from "../../packages/computer/src/egress/first-bytes.js";
import { Scrub } from "../../packages/computer/src/egress/scrub.js";

/** What a real client begins with. */
async function helloOf(servername: string | undefined): Promise<Buffer> {
	const chunks: Buffer[] = [];
	const there = new Duplex({
		read() {},
		write(chunk, _encoding, done) {
			chunks.push(chunk);
			done();
		},
	});
	const client = tls.connect({ socket: there as net.Socket, ...(servername === undefined ? {} : { servername }) });
	client.on("error", () => {});
	await new Promise((resolve) => setImmediate(resolve));
	client.destroy();
	return Buffer.concat(chunks);
}

describe("the name that TLS asks for", () => {
	test("is found in what a real client sends, in pieces or records of any size", async () => {
		const hello = await helloOf("api.example.com");
		for (let cut = 1; cut < hello.length; cut += 7) expect(readClientHello(hello.subarray(0, cut))).toBe("partial");
		expect(readClientHello(Buffer.concat([hello, Buffer.from("more")]))).toEqual({ serverName: "api.example.com", end: hello.length });
		const message = hello.subarray(5);
		for (const size of [1, 3, 100]) {
			const records: Buffer[] = [];
			for (let at = 0; at < message.length; at += size) {
				const part = message.subarray(at, at + size);
				records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
			}
			const whole = Buffer.concat(records);
			expect(readClientHello(whole)).toEqual({ serverName: "api.example.com", end: whole.length });
		}
	});

	test("may be missing", async () => {
		const hello = await helloOf(undefined);
		expect(readClientHello(hello)).toEqual({ serverName: undefined, end: hello.length });
	});

	test("bytes that are no TLS are broken or too few, never an error", async () => {
		const hello = await helloOf("api.example.com");
		fc.assert(
			fc.property(fc.nat(hello.length - 1), fc.nat(255), (at, byte) => {
				const other = Buffer.from(hello);
				other[at] = byte;
				readClientHello(other);
				asksForAnother(other);
			}),
		);
		fc.assert(
			fc.property(fc.constantFrom(20, 21, 22, 23), fc.uint8Array({ maxLength: 400 }), (kind, rest) => {
				const bytes = Buffer.concat([Buffer.from([kind, 3, 1]), rest]);
				for (const read of [readClientHello, readSecondHello, asksForAnother]) read(bytes);
			}),
		);
	});

	test("comes again after what is no handshake, and in nothing but a hello", async () => {
		const hello = await helloOf("api.example.com");
		const before = Buffer.from([20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 9, 9]);
		const both = Buffer.concat([before, hello]);
		for (let cut = 0; cut < both.length; cut++) expect(readSecondHello(both.subarray(0, cut))).toBe("partial");
		expect(readSecondHello(both)).toMatchObject({ serverName: "api.example.com" });
		expect(readSecondHello(Buffer.concat([Buffer.from([21, 3, 3, 0, 2, 1, 90]), hello]))).toBe("broken");
	});

	test("is asked for again by one answer alone", () => {
		const answer = (random: Buffer) => {
			const body = Buffer.concat([Buffer.from([3, 3]), random, Buffer.alloc(40)]);
			return Buffer.concat([Buffer.from([22, 3, 3, 0, body.length + 4, 2, 0, 0, body.length]), body]);
		};
		const retry = createHash("sha256").update("HelloRetryRequest").digest();
		const alert = Buffer.from([21, 3, 3, 0, 2, 1, 112]);
		expect(asksForAnother(answer(retry))).toBe(true);
		expect(asksForAnother(Buffer.concat([alert, answer(retry)]))).toBe(true);
		expect(asksForAnother(answer(randomBytes(32)))).toBe(false);
		expect(asksForAnother(Buffer.from("HTTP/1.1 400 Bad Request\r\n"))).toBe(false);
		expect(asksForAnother(alert)).toBeUndefined();
	});
});

describe("what a connection begins with", () => {
	test.each([
		["GET / HTTP/1.1\r\n", "http"],
		["get /é?x HTTP/1.0\n", "http"],
		["\r\n\nPOST  /  HTTP/1.1\r\n", "http"],
		["PRI * HTTP/2.0\r\n\r\n", "http"],
		["SSH-2.0-OpenSSH_9.2\r\n", "other"],
		["EHLO example.org\r\n", "other"],
		["\x00\x01\x02", "other"],
		["*3\r\n$3\r\nSET\r\n", "other"],
		[`GET /${"a".repeat(20_000)} HTTP/1.1\r\n`, "broken"],
		["\x16GET / HTTP/1.1\r\n", "broken"],
		["\x15\x03\x01\x00\x02\x01\x5a", "broken"],
		["\x14\x03\x03\x00\x01\x01", "broken"],
		["\x15", undefined],
		["\x15\x00\x00", "other"],
	])("%j is %s", (text, kind) => expect(classify(Buffer.from(text, "latin1"))?.kind).toBe(kind));

	test("it waits until it knows, and gives back every byte", async () => {
		const stream = new PassThrough();
		const found = beginning(stream);
		for (const piece of ["G", "ET", " /path", " HTTP/1.1\r", "\nHost: x\r\n\r\nrest"]) {
			stream.write(piece);
			await new Promise((resolve) => setImmediate(resolve));
		}
		expect(await found).toEqual({ kind: "http" });
		stream.end();
		expect(String(await buffer(stream))).toBe("GET /path HTTP/1.1\r\nHost: x\r\n\r\nrest");
	});
});

test("a secret is taken out of what comes back, wherever it is cut, and the length stays", async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(fc.constantFrom("s3", "cr3t", "s3cr3t", "x", "s"), { maxLength: 30 }), fc.nat(5), async (parts, size) => {
			const scrub = new Scrub(["s3cr3t"]);
			const text = parts.join("");
			const read = buffer(scrub);
			for (let at = 0; at < text.length; at += size + 1) scrub.write(text.slice(at, at + size + 1));
			scrub.end();
			expect(String(await read)).toBe(text.replaceAll("s3cr3t", "******"));
		}),
	);
});
