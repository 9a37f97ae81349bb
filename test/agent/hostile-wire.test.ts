/** Below the protocol: what HTTP/2 itself lets a guest do. The host must say what happened, in a bounded memory, and stay up. */
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Bytes } from "../../packages/computer/src/agent/answer.js";
import { plainStream } from "../../packages/computer/src/agent/plain-stream.js";
import { tunnelStream } from "../../packages/computer/src/agent/tunnel-stream.js";
import { rawGuest, wire } from "./guest.js";

const typed = expect.objectContaining({
	name: "ComputerError",
	code: expect.stringMatching(/^(protocol_error|connection_lost|machine_failed|too_large)$/),
	message: expect.stringMatching(/^[\x20-\x7e]{1,2000}$/),
});

const TYPE = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, window: 8, more: 9 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;

const number = (value: number) => {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
};
/** HPACK without an index or Huffman's code (RFC 7541, 6.2.2). */
const field = (name: string, value: string) =>
	Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

const SETTINGS = wire(TYPE.settings, 0, 0);
/** `:status 200` is entry 8 of the table that every peer has. */
const OK = Buffer.from([0x88]);
const ANSWER = wire(TYPE.headers, END_HEADERS, 1, OK);
const HELLO = JSON.stringify({ generation: 1, version: "t", boot: "b", shell: "/bin/sh", arch: "amd64", pid: 1 });
const many = (count: number, piece: Buffer) => Buffer.concat(Array.from({ length: count }, () => piece));

/** Once the request is there, the first of the connection or a later one: an answer before it is merely an error. */
function asked(guest: Duplex, then: () => void, stream = 1): void {
	let bytes: Buffer = Buffer.alloc(0);
	const look = (chunk: Buffer) => {
		bytes = Buffer.concat([bytes, chunk]);
		for (let at = PREFACE_BYTES; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
			if (bytes[at + 3] !== TYPE.headers || bytes.readUInt32BE(at + 5) !== stream) continue;
			guest.off("data", look);
			guest.resume();
			return then();
		}
	};
	guest.on("data", look);
}
const PREFACE_BYTES = 24;

/** Writes for as long as somebody reads. */
const forever =
	(first: Buffer, piece: Buffer) =>
	(guest: Duplex): void => {
		guest.write(SETTINGS);
		// As another process would: this one has its turns between.
		const flood = () => {
			if (guest.destroyed) return;
			if (guest.write(piece)) setImmediate(flood);
			else guest.once("drain", () => setImmediate(flood));
		};
		asked(guest, () => {
			guest.write(first);
			flood();
		});
	};
const once =
	(...pieces: Buffer[]) =>
	(guest: Duplex): void => {
		guest.write(SETTINGS);
		asked(guest, () => guest.write(Buffer.concat(pieces)));
	};

/** For a hello that never becomes one. */
const CASES: readonly [string, (guest: Duplex) => void][] = [
	["an answer in pieces of one byte, without end", forever(ANSWER, many(6000, wire(TYPE.data, 0, 1, "[")))],
	[
		"drops of an answer in a sea of frames that nobody knows",
		forever(ANSWER, many(10, Buffer.concat([wire(TYPE.data, 0, 1, "["), wire(0xfb, 0, 0, Buffer.alloc(60_000))]))),
	],
	[
		"data of nothing but padding",
		forever(ANSWER, many(200, wire(TYPE.data, 8, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)])))),
	],
	["empty data, without end", forever(ANSWER, many(6000, wire(TYPE.data, 0, 1)))],
	[
		"answers that are to be continued, without end",
		forever(Buffer.alloc(0), many(3000, wire(TYPE.headers, END_HEADERS, 1, field(":status", "103")))),
	],
	["endless trailers", forever(ANSWER, many(1000, wire(TYPE.headers, END_HEADERS, 1, field("a", "b"))))],
	["trailers that are an answer", once(ANSWER, wire(TYPE.headers, END_HEADERS | END_STREAM, 1, OK))],
	["headers without a status", once(wire(TYPE.headers, END_HEADERS | END_STREAM, 1, field("a", "b")))],
	["two answers", once(ANSWER, ANSWER, wire(TYPE.data, END_STREAM, 1, HELLO))],
	[
		"a length that lies",
		once(wire(TYPE.headers, END_HEADERS, 1, Buffer.concat([OK, field("content-length", "5")])), wire(TYPE.data, END_STREAM, 1, HELLO)),
	],
	[
		"headers of a thousand fields",
		once(wire(TYPE.headers, END_HEADERS | END_STREAM, 1, Buffer.concat([OK, many(1000, field("aa", "b"))]))),
	],
	["a header that names an index that is not there", once(wire(TYPE.headers, END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0x7f])))],
	["resets of what was never begun", forever(Buffer.alloc(0), many(3000, wire(TYPE.reset, 0, 3, number(8))))],
	["a reset of the request, again and again", forever(ANSWER, many(3000, wire(TYPE.reset, 0, 1, number(8))))],
	["a promise of what was not asked for", once(ANSWER, wire(TYPE.push, END_HEADERS, 1, Buffer.concat([number(2), OK])))],
	["streams of its own", forever(Buffer.alloc(0), many(1000, wire(TYPE.headers, END_HEADERS, 2, OK)))],
	["pings, and no more", forever(Buffer.alloc(0), many(3000, wire(TYPE.ping, 0, 0, Buffer.alloc(8))))],
	["changes of settings, and no more", forever(Buffer.alloc(0), many(1500, wire(TYPE.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 1]))))],
	["windows that overflow", once(many(3, wire(TYPE.window, 0, 0, number(0x7fffffff))))],
	["windows of nothing", once(many(3, wire(TYPE.window, 0, 1, number(0))))],
	["windows without end", forever(Buffer.alloc(0), many(4000, wire(TYPE.window, 0, 1, number(1))))],
	["priorities without end", forever(Buffer.alloc(0), many(3000, wire(TYPE.priority, 0, 1, Buffer.alloc(5))))],
	["farewells without end", forever(Buffer.alloc(0), many(3000, wire(TYPE.goaway, 0, 0, Buffer.alloc(8))))],
	["a farewell that keeps the request, and no answer", once(wire(TYPE.goaway, 0, 0, Buffer.concat([number(1), number(0)])))],
	["a farewell with an error", once(wire(TYPE.goaway, 0, 0, Buffer.concat([number(0), number(11)])))],
	["data before the answer", once(wire(TYPE.data, END_STREAM, 1, HELLO))],
	["a continuation of nothing", once(wire(TYPE.more, END_HEADERS, 1, OK))],
	["nothing after its settings", once()],
	["a whole answer that is never ended: this end's own close does not end it", once(ANSWER, wire(TYPE.data, 0, 1, HELLO))],
];

/** What a peer of HTTP/2 may buffer, and what this process does beside. */
const MAX_GROWTH_BYTES = 128 * 1024 * 1024;

test.concurrent.each(CASES)("instead of an answer, %s: a typed error", async (_name, behave) => {
	const before = process.memoryUsage().rss;
	await expect(rawGuest(behave)).rejects.toEqual(typed);
	expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH_BYTES);
});

/** Says hello as it should, and answers the request after it with all of these in one piece. */
const inOnePiece =
	(...pieces: Buffer[]) =>
	(guest: Duplex): void => {
		guest.write(SETTINGS);
		// Both look at all that was sent: the second from its beginning, too.
		asked(guest, () => guest.write(Buffer.concat([ANSWER, wire(TYPE.data, END_STREAM, 1, HELLO)])));
		asked(guest, () => guest.write(Buffer.concat(pieces)), 3);
	};
const OPENED = wire(TYPE.headers, END_HEADERS, 3, OK);
const INTERNAL_ERROR = 2;
const CANCEL = 8;

// A stream of JavaScript, as an engine's is, tells of all that came in one piece before whoever waits for the headers goes on.
describe.each([
	["a plain stream", plainStream],
	["a connection to a port", tunnelStream],
])("%s that breaks in the piece that its headers came in", (_name, make) => {
	test.each([
		["reset", [OPENED, wire(TYPE.reset, 0, 3, number(INTERNAL_ERROR))]],
		["canceled", [OPENED, wire(TYPE.reset, 0, 3, number(CANCEL))]],
		["reset after some of its bytes", [OPENED, wire(TYPE.data, 0, 3, "abc"), wire(TYPE.reset, 0, 3, number(INTERNAL_ERROR))]],
		["reset by a farewell", [OPENED, wire(TYPE.goaway, 0, 0, Buffer.concat([number(1), number(INTERNAL_ERROR)]))]],
	])("%s: an error", async (_how, pieces) => {
		const connection = await rawGuest(inOnePiece(...pieces));
		const { stream } = await connection.open("POST", "/v1/anything");
		await expect(buffer(make(stream, { writable: true }))).rejects.toMatchObject({ code: "connection_lost" });
	});
});

test.each([
	["a plain stream", plainStream, "abc"],
	["a connection to a port", tunnelStream, number(0)],
])("%s whose peer has answered and lets go of what waits to be sent: an error, and it is over", async (_name, make, answer) => {
	let guest: Duplex | undefined;
	const connection = await rawGuest((duplex) => {
		guest = duplex;
		inOnePiece(OPENED)(duplex);
	});
	const { stream } = await connection.open("POST", "/v1/anything");
	const duplex = make(stream, { writable: true }).resume();
	// More than HTTP/2 sends unasked.
	duplex.end(Buffer.alloc(1024 * 1024));
	const over = finished(duplex);
	guest?.write(Buffer.concat([wire(TYPE.data, END_STREAM, 3, answer), wire(TYPE.reset, 0, 3, number(0))]));
	await expect(over).rejects.toMatchObject({ code: "connection_lost" });
});

test("an answer that is whole in the piece that its headers came in is whole", async () => {
	for (const answer of [
		[wire(TYPE.headers, END_HEADERS | END_STREAM, 3, OK)],
		[OPENED, wire(TYPE.data, END_STREAM, 3, "abc")],
		[OPENED, wire(TYPE.data, END_STREAM, 3, "abc"), wire(TYPE.reset, 0, 3, number(0))],
	]) {
		const connection = await rawGuest(inOnePiece(...answer));
		const { stream } = await connection.open("GET", "/v1/anything");
		expect((await buffer(plainStream(stream, { writable: false }))).toString()).toBe(answer.length === 1 ? "" : "abc");
	}
});

test("what is gathered of an answer is the same however it is cut, and takes no more memory than it says", () => {
	fc.assert(
		fc.property(fc.array(fc.nat(40_000), { maxLength: 12 }), (sizes) => {
			const pieces = sizes.map((size, index) => Buffer.alloc(size, index + 1));
			const bytes = new Bytes(1024 * 1024);
			for (const piece of pieces) bytes.push(piece);
			expect(bytes.all().equals(Buffer.concat(pieces))).toBe(true);
		}),
		{ numRuns: 30 },
	);
	const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
	const before = used();
	const bytes = new Bytes(1024 * 1024);
	// As they come: each a part of all that came at once.
	while (bytes.size < 1024 * 1024) bytes.push(Buffer.alloc(200).subarray(0, 1));
	expect(bytes.all()).toHaveLength(1024 * 1024);
	expect(used() - before).toBeLessThan(64 * 1024 * 1024);
});
