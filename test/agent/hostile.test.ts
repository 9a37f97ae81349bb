import { randomBytes } from "node:crypto";
import { getEventListeners } from "node:events";
import http2 from "node:http2";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { collect } from "../../packages/computer/src/agent/answer.js";
import { Connection } from "../../packages/computer/src/agent/connection.js";
import { exec } from "../../packages/computer/src/agent/exec.js";
import { Files } from "../../packages/computer/src/agent/files.js";
import { compareTrees } from "../../packages/computer/src/agent/tree.js";
import { fakeGuest, frame, HELLO, json, rawGuest, result, STARTED, wire } from "./guest.js";

const typed = expect.objectContaining({
	name: "ComputerError",
	code: expect.stringMatching(/^(protocol_error|connection_lost|machine_failed|machine_gone)$/),
});

const SETTINGS = wire(4, 0, 0, Buffer.alloc(0));

test("a stream that broke before anybody spoke on it is a machine that ended", async () => {
	const broken = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
		.on("error", () => {})
		.destroy(new Error("ECONNRESET"));
	await expect(Connection.open(broken)).rejects.toMatchObject({ name: "ComputerError", code: "machine_gone", retryable: true });
});

describe("instead of an agent", () => {
	const floods = (piece: Buffer) => (guest: Duplex) => {
		const flood = () => {
			while (!guest.destroyed && guest.write(piece));
		};
		guest.on("drain", () => setImmediate(flood));
		flood();
	};
	test.each<[string, (guest: Duplex) => void]>([
		["nothing but an end", (guest) => guest.end()],
		["a broken stream", (guest) => guest.destroy()],
		["HTTP/1.1", (guest) => guest.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")],
		["an ssh banner", (guest) => guest.write("SSH-2.0-OpenSSH_9.2\r\n")],
		["random bytes", (guest) => guest.write(randomBytes(4096))],
		["a flood of random bytes", floods(randomBytes(65536))],
		["a flood of settings", floods(Buffer.concat(Array.from({ length: 1000 }, () => SETTINGS)))],
		["a frame of 16 MiB", (guest) => guest.write(Buffer.concat([SETTINGS, wire(0, 0, 1, Buffer.alloc(0xffffff))]))],
		["data for a stream nobody opened", (guest) => guest.write(Buffer.concat([SETTINGS, wire(0, 0, 9, Buffer.alloc(10))]))],
		["a goaway", (guest) => guest.write(Buffer.concat([SETTINGS, wire(7, 0, 0, Buffer.alloc(8))]))],
		[
			"headers without an end",
			(guest) => {
				guest.write(Buffer.concat([SETTINGS, wire(1, 0, 1, Buffer.from([0x88]))]));
				floods(wire(9, 0, 1, Buffer.concat([Buffer.from([0x40, 0x01, 0x61, 0x7f, 0x80, 0x01]), Buffer.alloc(255, 0x62)])))(guest);
			},
		],
	])(
		"%s: a typed error, at once",
		async (_name, behave) => {
			const before = process.memoryUsage().rss;
			await expect(rawGuest(behave)).rejects.toEqual(typed);
			expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
		},
		8_000,
	);
});

describe("a hello", () => {
	const hello = (value: object) => fakeGuest(() => {}, value).connection();
	test("of another generation is refused with the way out", async () => {
		await expect(hello({ ...HELLO, generation: 2 })).rejects.toMatchObject({
			code: "not_supported",
			hint: expect.stringContaining("restart"),
			context: { generation: 2 },
		});
	});
	test.each([[[]], [{}], [{ ...HELLO, generation: "1" }], [{ ...HELLO, boot: 7 }], [{ ...HELLO, boot: "x".repeat(100_000) }]])(
		"like %j is a protocol_error",
		async (value) => {
			await expect(hello(value)).rejects.toMatchObject({ code: "protocol_error" });
		},
	);
});

/** A guest that is fine until it answers; `files` and `exec` then see this answer. */
function answer(behave: (stream: http2.ServerHttp2Stream) => void) {
	return fakeGuest((stream) => behave(stream));
}

describe("an answer", () => {
	const endless = (stream: http2.ServerHttp2Stream, piece: Buffer) => {
		const flood = () => {
			while (!stream.destroyed && stream.write(piece));
		};
		stream.on("drain", flood);
		flood();
	};

	test("of JSON without an end stops at its bound", async () => {
		const guest = answer((stream) => {
			stream.respond({ ":status": 200 });
			endless(stream, Buffer.alloc(65536, "["));
		});
		await expect((await guest.connection()).json("GET", "/v1/info")).rejects.toMatchObject({
			code: "protocol_error",
			message: expect.stringContaining("16777216"),
		});
	});

	test("of an error without an end stops at its bound", async () => {
		const guest = answer((stream) => {
			stream.respond({ ":status": 500 });
			endless(stream, Buffer.alloc(65536, "x"));
		});
		const connection = await guest.connection();
		await expect(exec(connection, "x", {})).rejects.toMatchObject({ code: "protocol_error" });
		await expect(new Files(guest.link).read("/x")).rejects.toMatchObject({ code: "protocol_error" });
	});

	test("of more output than was asked for is refused", async () => {
		const guest = answer((stream) => {
			stream.respond({ ":status": 200 });
			stream.write(STARTED);
			endless(stream, frame(1, Buffer.alloc(65536)));
		});
		await expect(exec(await guest.connection(), "x", { maxOutputBytes: 1000 })).rejects.toMatchObject({ code: "protocol_error" });
	});

	test.each([
		["no status that is one", (stream: http2.ServerHttp2Stream) => stream.respond({ ":status": 999 })],
		["no JSON", (stream: http2.ServerHttp2Stream) => stream.end("<html>")],
		["a list", (stream: http2.ServerHttp2Stream) => stream.end("[]")],
		[
			"half of it, then a reset",
			(stream: http2.ServerHttp2Stream) => {
				stream.write('{"a":');
				setImmediate(() => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
			},
		],
		[
			"a quiet cancel",
			(stream: http2.ServerHttp2Stream) => {
				stream.write("{}");
				setImmediate(() => stream.close(http2.constants.NGHTTP2_CANCEL));
			},
		],
	])("of %s is a protocol_error", async (_name, behave) => {
		const guest = answer((stream) => {
			try {
				behave(stream);
			} catch {
				stream.close(http2.constants.NGHTTP2_PROTOCOL_ERROR);
			}
		});
		await expect((await guest.connection()).json("GET", "/v1/info")).rejects.toMatchObject({ code: "protocol_error" });
	});

	test("of an unknown error is a protocol_error with a harmless text", async () => {
		const guest = answer((stream) => json(stream, { code: "constructor", message: `\u001b[2J${"x".repeat(100_000)}` }, 400));
		const error = await (await guest.connection()).json("GET", "/v1/info").catch((caught) => caught);
		expect(error.code).toBe("protocol_error");
		expect(error.message.length).toBeLessThan(2100);
		expect(error.message).not.toContain("\u001b");
	});

	test("of a result with wrong fields is a protocol_error", async () => {
		for (const fields of [
			{ exitCode: "0" },
			{ shell: "x" },
			{ stdout: null },
			{ stdout: { omittedBytes: -1 } },
			{ cwd: 5 },
			{ durationMs: 1e300 },
		]) {
			const guest = answer((stream) => {
				stream.respond({ ":status": 200 });
				stream.end(Buffer.concat([STARTED, result(fields)]));
			});
			await expect(exec(await guest.connection(), "x", {})).rejects.toMatchObject({ code: "protocol_error" });
		}
	});

	test("in drops of one byte is still an answer", async () => {
		const bytes = Buffer.concat([STARTED, frame(1, "hi"), result()]);
		const guest = answer((stream) => {
			stream.respond({ ":status": 200 });
			let at = 0;
			const drip = () => {
				if (at === bytes.length) return stream.end();
				stream.write(bytes.subarray(at, ++at), () => setImmediate(drip));
			};
			drip();
		});
		expect((await exec(await guest.connection(), "x", {})).stdout).toBe("hi");
	});

	test("of a file longer than asked for is refused", async () => {
		const guest = answer((stream) => {
			stream.respond({ ":status": 200 });
			endless(stream, Buffer.alloc(65536));
		});
		await expect(new Files(guest.link).read("/x", { length: 10 })).rejects.toMatchObject({ code: "too_large" });
	});

	test("of a file that says it has 8 EiB is refused before it is read", async () => {
		const guest = answer((stream) => {
			stream.respond({ ":status": 200, "content-length": "999999999999999" });
			stream.write("x");
		});
		await expect(new Files(guest.link).read("/x")).rejects.toMatchObject({ code: "too_large" });
	});

	test("of a file that breaks off is never taken for the whole", async () => {
		const guest = answer((stream) => {
			stream.respond({ ":status": 200, "content-length": "100" });
			stream.write("half", () => setImmediate(() => stream.close(http2.constants.NGHTTP2_CANCEL)));
		});
		await expect(new Files(guest.link).read("/x")).rejects.toEqual(typed);
		const reading = (async () => {
			for await (const _ of await new Files(guest.link).readStream("/x"));
		})();
		await expect(reading).rejects.toEqual(typed);
	});

	test("of a file is never taken for the whole when the machine is killed in the middle of it", async () => {
		for (const end of ["kill", "end"] as const) {
			for (let turn = 0; turn < 20; turn++) {
				const guest = answer((stream) => {
					stream.respond({ ":status": 200 });
					stream.write(Buffer.alloc(50_000 * turn + 1));
				});
				const stream = await new Files(guest.link).readStream("/x");
				setImmediate(() => guest[end]());
				const reading = (async () => {
					for await (const _ of stream);
				})();
				await expect(reading, `${end} ${turn}`).rejects.toMatchObject({ code: "connection_lost" });
			}
		}
	});

	test("of files in pieces of one byte is read in the time that it takes to send it, and what is no list is refused", {
		timeout: 20_000,
	}, async () => {
		const tree = (bytes: Buffer, piece: number) =>
			answer((stream) => {
				stream.respond({ ":status": 200 });
				let at = 0;
				const send = () => {
					while (at < bytes.length && !stream.destroyed) {
						at += piece;
						if (!stream.write(bytes.subarray(at - piece, at))) return;
					}
					stream.end();
				};
				stream.on("drain", send);
				send();
			});
		const between = async (bytes: Buffer, piece: number) => {
			const [then, now] = [await tree(Buffer.from("1 0 0 \0\0/a\0"), 5).connection(), await tree(bytes, piece).connection()];
			return await compareTrees(then, now);
		};
		const path = `/${"x".repeat(50_000)}`;
		expect(await between(Buffer.from(`1 0 0 \0\0${path}\x001 0 0 \0\0/a\0`), 1)).toEqual({ added: [path], changed: [], deleted: [] });
		await expect(between(Buffer.alloc(3 * 1024 * 1024, "x"), 65_536)).rejects.toMatchObject({ code: "protocol_error" });
		await expect(between(Buffer.alloc(3 * 349_525), 3 * 349_525)).resolves.toMatchObject({ deleted: ["/a"] });
		await expect(between(Buffer.from("1\0\0"), 1)).rejects.toMatchObject({ code: "protocol_error" });
	});

	test("that any number of files were written to is taken", async () => {
		const names = Array.from({ length: 200_000 }, (_, index) => `/${index}`);
		const tree = (stamp: string) => {
			const list = Buffer.from(names.map((name) => `1\0${stamp}\0${name}\0`).join(""));
			return fakeGuest(async (stream, headers, body) => {
				stream.respond({ ":status": 200 });
				if (headers[":path"] === "/v1/tree") return void stream.end(list);
				const paths = (await body()).toString().split("\0").length - 1;
				stream.end(`${stamp}\n`.repeat(paths));
			});
		};
		const { changed } = await compareTrees(await tree("1").connection(), await tree("2").connection());
		expect(changed.length).toBe(names.length);
	});

	test("of a file in pieces of one byte is that file", async () => {
		const content = randomBytes(3000);
		const guest = answer((stream) => {
			stream.respond({ ":status": 200, "content-length": content.length });
			for (const byte of content) stream.write(Buffer.from([byte]));
			stream.end();
		});
		expect((await new Files(guest.link).read("/x")).equals(content)).toBe(true);
	});

	test("is supervised once: the signal has no listener afterwards", async () => {
		const guest = answer((stream) => json(stream, {}));
		const { signal } = new AbortController();
		const connection = await guest.connection();
		await collect(connection.request("GET", "/v1/x"), 100, signal);
		await exec(connection, "x", { signal }).catch(() => {});
		await new Files(guest.link).stat("/x", { signal }).catch(() => {});
		await (await connection.open("GET", "/v1/x", signal)).stream.resume();
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(getEventListeners(signal, "abort").length).toBe(0);
	});
});
