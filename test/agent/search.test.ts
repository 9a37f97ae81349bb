import http2, { type ServerHttp2Stream } from "node:http2";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Files } from "../../packages/computer/src/agent/files.js";
import type { SearchOptions } from "../../packages/computer/src/agent/search.js";
import { fakeGuest, type Handler } from "./guest.js";

const match = (fields: object = {}) => ({ type: "match", path: "/a", line: 1, column: 1, length: 1, text: "x", ...fields });
const context = (line: number, fields: object = {}) => ({ type: "context", path: "/a", line, text: "x", ...fields });
const summary = (matches: number, fields: object = {}) => ({
	...{ type: "summary", files: 1, matches, truncated: false, searched: 1, binary: 0, unreadable: 0 },
	...fields,
});
const ndjson = (lines: readonly unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

function searchIn(handler: Handler, options: SearchOptions = {}) {
	return new Files(fakeGuest(handler).link).search("x", options);
}

function answered(body: string | Buffer, options?: SearchOptions) {
	return searchIn((stream) => {
		stream.respond({ ":status": 200 });
		stream.end(body);
	}, options);
}

describe("a search", () => {
	test("is asked for with every field, from the home", async () => {
		let asked: unknown;
		await searchIn(
			async (stream, _headers, body) => {
				asked = JSON.parse((await body()).toString());
				stream.end(ndjson([summary(0)]));
			},
			{ path: "~/ü", glob: "*.ts", context: 2 },
		);
		expect(asked).toEqual({
			...{ pattern: "x", path: "/home/user/ü", glob: ["*.ts"], maxResults: 1000, context: 2 },
			...{ ignoreCase: false, literal: false, hidden: true, all: false, gitignore: false },
		});
	});

	test("in drops of one byte is still an answer", async () => {
		const bytes = Buffer.from(ndjson([context(1), match({ line: 2, text: "ä€" }), context(3), summary(1)]));
		const result = await searchIn(
			async (stream) => {
				stream.respond({ ":status": 200 });
				for (let at = 0; at < bytes.length; at++) {
					stream.write(bytes.subarray(at, at + 1));
					await setImmediate();
				}
				stream.end();
			},
			{ context: 1 },
		);
		expect(result.matches).toMatchObject([{ line: 2, text: "ä€", before: [{ line: 1 }], after: [{ line: 3 }] }]);
	});

	test("keeps the context of one file out of the next", async () => {
		const lines = [match({ line: 5 }), context(6), context(9), context(1, { path: "/b" }), match({ path: "/b", line: 2 }), summary(2)];
		const { matches } = await answered(ndjson(lines), { context: 2 });
		expect(matches.map(({ before, after }) => [before, after].map((some) => some.map(({ line }) => line)))).toEqual([
			[[], [6]],
			[[1], []],
		]);
	});
});

describe("a hostile answer to a search is refused:", () => {
	test.each<[string, string | Buffer, SearchOptions?]>([
		["nothing", ""],
		["no JSON", "<html>\n"],
		["no object", "[]\n"],
		["an empty line", `\n${ndjson([summary(0)])}`],
		["another type", ndjson([{ type: "constructor" }, summary(0)])],
		["no summary", ndjson([match()])],
		["half a last line", `${ndjson([summary(0)])}{`],
		["something after the summary", ndjson([summary(0), match()])],
		["two summaries", ndjson([summary(0), summary(0)])],
		["a summary that counts otherwise", ndjson([match(), summary(7)])],
		["more matches than asked for", ndjson([match(), match(), match(), summary(3)]), { maxResults: 2 }],
		["context that nobody asked for", ndjson([context(1), match({ line: 2 }), summary(1)])],
		["more context than asked for", ndjson([match(), context(2), context(2), context(2), summary(1)]), { context: 1 }],
		["a path of another type", ndjson([match({ path: 7 }), summary(1)])],
		["a line below 0", ndjson([match({ line: -1 }), summary(1)])],
		["a length that is no number", ndjson([match({ length: 1e300 }), summary(1)])],
		["a line of 64 KiB", ndjson([match({ text: "x".repeat(65_536) }), summary(1)])],
		["a deep one", `${"[".repeat(60_000)}\n`],
	])("%s", async (_name, body, options) => {
		await expect(answered(body, options)).rejects.toMatchObject({ name: "ComputerError", code: "protocol_error" });
	});

	test.each([
		["a line without an end", Buffer.alloc(65_536, "x")],
		["context without an end", Buffer.from(ndjson(Array.from({ length: 1000 }, (_, line) => context(line))))],
	])("%s, and the request is ended", async (_name, piece) => {
		let closed = false;
		const flood = (stream: ServerHttp2Stream) => {
			stream.respond({ ":status": 200 });
			stream.on("close", () => (closed = true));
			const write = () => {
				while (!stream.destroyed && stream.write(piece));
			};
			stream.on("drain", write);
			write();
		};
		await expect(searchIn(flood)).rejects.toMatchObject({ code: "protocol_error" });
		await expect.poll(() => closed).toBe(true);
	});

	test("one that breaks off is never taken for the whole", async () => {
		const breaking = searchIn((stream) => {
			stream.respond({ ":status": 200 });
			stream.write(ndjson([match()]), () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
		});
		await expect(breaking).rejects.toMatchObject({ code: expect.stringMatching(/^(connection_lost|protocol_error)$/) });
	});

	test("an abort while it comes is canceled", async () => {
		const controller = new AbortController();
		const endless = searchIn(
			(stream) => {
				stream.respond({ ":status": 200 });
				stream.write(ndjson([match()]), () => controller.abort());
			},
			{ signal: controller.signal },
		);
		await expect(endless).rejects.toMatchObject({ code: "canceled" });
	});
});
