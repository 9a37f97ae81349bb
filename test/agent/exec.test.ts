import { getEventListeners } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { exec } from "../../packages/computer/src/agent/exec.js";
import { spawn } from "../../packages/computer/src/agent/execution.js";
import { Files } from "../../packages/computer/src/agent/files.js";
import { fakeGuest, frame, json, result, STARTED } from "./guest.js";

/** A guest that answers every exec with these bytes. */
function answering(...frames: Buffer[]) {
	return fakeGuest((stream) => {
		stream.respond({ ":status": 200 });
		stream.end(Buffer.concat(frames));
	}).connection();
}

test("streams apart, byte for byte, and what the shell said", async () => {
	const wild = Buffer.from([0, 0xff, 0x80, 0x0a]);
	const done = await exec(
		await answering(STARTED, frame(1, wild), frame(2, "oops"), frame(1, "x"), result({ exitCode: 3, cwd: "/tmp", shell: "exited" })),
		"x",
		{},
	);
	expect(Buffer.from(done.stdoutBytes)).toEqual(Buffer.concat([wild, Buffer.from("x")]));
	expect(done).toMatchObject({
		stdout: "\0\ufffd\ufffd\nx",
		stderr: "oops",
		exitCode: 3,
		cwd: "/tmp",
		shell: "exited",
		truncated: false,
		id: "7",
	});
});

test("cut output says what is missing and how to read it", async () => {
	const cut = { bytes: 100, omittedBytes: 90 };
	const connection = await answering(STARTED, frame(1, "HEAD1"), frame(1, "TAIL2"), result({ stdout: cut }));
	const done = await exec(connection, "x", { maxOutputBytes: 10 });
	expect(done.stdout).toBe(
		'HEAD1\n[... 90 bytes omitted; read them with commands.output("7", { stream: "stdout", offset: 5 }) ...]\nTAIL2',
	);
	expect(done).toMatchObject({ truncated: true, stdoutOmittedBytes: 90, stderrOmittedBytes: 0 });
});

test("with onOutput all bytes come, and the host keeps head and tail", async () => {
	const connection = await answering(STARTED, frame(1, "0123456789"), frame(1, "abcdefghij"), result());
	const seen: string[] = [];
	const done = await exec(connection, "x", { maxOutputBytes: 4, onOutput: (chunk) => seen.push(`${chunk.stream}:${chunk.text}`) });
	expect(seen.join("")).toBe("stdout:0123456789stdout:abcdefghij");
	expect(Buffer.from(done.stdoutBytes).toString()).toBe("01ij");
	expect(done.stdoutOmittedBytes).toBe(16);
});

test("the request carries what was asked for and nothing else", async () => {
	const bodies: unknown[] = [];
	const guest = fakeGuest(async (stream, _headers, body) => {
		bodies.push(JSON.parse((await body()).toString()));
		stream.respond({ ":status": 200 });
		stream.end(Buffer.concat([STARTED, result()]));
	});
	const connection = await guest.connection();
	await exec(connection, "a", {});
	await exec(connection, "b", {
		timeoutMs: 0,
		cwd: "~/x",
		env: { A: "1" },
		session: "s",
		onTimeout: "job",
		maxOutputBytes: 8,
		onOutput: () => {},
	});
	expect(bodies).toEqual([
		{ command: "a", session: "main", timeoutMs: 30_000, maxOutputBytes: 1024 * 1024 },
		{ command: "b", session: "s", cwd: "/home/user/x", env: { A: "1" }, onTimeout: "job" },
	]);
});

describe("refused before it is sent", () => {
	test.each([
		["NUL", "a\0b", {}],
		["a session's name", "a", { session: "../x" }],
		["a name in env", "a", { env: { "A B": "1" } }],
		["a timeout", "a", { timeoutMs: -1 }],
		["a timeout past an hour", "a", { timeoutMs: 3_600_001 }],
		["a directory", "a", { cwd: "" }],
		["a number", 5 as unknown as string, {}],
	])("%s", async (_name, command, options) => {
		const connection = await answering();
		await expect((async () => exec(connection, command, options))()).rejects.toMatchObject({ code: "invalid_argument" });
	});
});

test("an error answer is a typed error, its text harmless", async () => {
	const guest = fakeGuest((stream) =>
		json(
			stream,
			{ code: "limit_reached", message: "too\u001b]52;c;x\u0007 many\nlines", context: { queued: 5, evil: { a: 1 } }, hint: "rm -rf" },
			429,
		),
	);
	await expect(exec(await guest.connection(), "x", {})).rejects.toMatchObject({
		code: "limit_reached",
		message: "too ]52;c;x  many lines",
		hint: "Wait for something to finish, then try again.",
		context: { queued: 5 },
	});
});

test("stdin is written and closed; a command that does not read it all still has its result", async () => {
	const received: string[] = [];
	const guest = fakeGuest(async (stream, headers, body) => {
		if (headers[":path"] === "/v1/exec") {
			stream.respond({ ":status": 200 });
			stream.write(STARTED);
			exec_.push(stream);
			return;
		}
		received.push(`${headers[":method"]} ${headers[":path"]} ${await body()}`);
		json(stream, {});
		exec_.shift()?.end(result());
	});
	const exec_: { end(bytes: Buffer): unknown }[] = [];
	const connection = await guest.connection();
	await exec(connection, "cat", { stdin: "text" });
	await exec(connection, "cat", { stdin: Readable.from(["a", Buffer.from("b")]) });
	expect(received).toEqual(["PUT /v1/commands/7/stdin?eof=1 text", "PUT /v1/commands/7/stdin?eof=1 ab"]);
});

test("a stdin that fails ends the command with its own error", async () => {
	const guest = fakeGuest((stream, headers) => {
		if (headers[":path"] !== "/v1/exec") return;
		stream.respond({ ":status": 200 });
		stream.write(STARTED);
	});
	const source = (async function* () {
		yield "a";
		throw new Error("disk on fire");
	})();
	await expect(exec(await guest.connection(), "cat", { stdin: source })).rejects.toThrow("disk on fire");
});

test("an abort rejects with canceled, closes the request and leaves no listener", async () => {
	let closed = () => {};
	const canceled = new Promise<void>((resolve) => {
		closed = resolve;
	});
	const guest = fakeGuest((stream) => {
		stream.on("close", () => closed());
		stream.respond({ ":status": 200 });
		stream.write(STARTED);
	});
	const connection = await guest.connection();
	const controller = new AbortController();
	const running = exec(connection, "sleep 9", { signal: controller.signal });
	expect(getEventListeners(controller.signal, "abort").length).toBe(1);
	controller.abort();
	await expect(running).rejects.toMatchObject({ code: "canceled" });
	await canceled;
	expect(getEventListeners(controller.signal, "abort").length).toBe(0);
	await expect(exec(connection, "x", { signal: controller.signal })).rejects.toMatchObject({ code: "canceled" });
});

test("a thousand calls with one signal leave no listener on it", async () => {
	const connection = await answering(STARTED, result());
	const { signal } = new AbortController();
	for (let i = 0; i < 125; i++) await Promise.all(Array.from({ length: 8 }, () => exec(connection, "x", { signal })));
	expect(getEventListeners(signal, "abort").length).toBe(0);
});

test("what is no stdin, no onOutput and no signal is refused before anything is sent", async () => {
	let requests = 0;
	const guest = fakeGuest((stream) => {
		requests++;
		stream.respond({ ":status": 200 });
		stream.end(Buffer.concat([STARTED, result()]));
	});
	const connection = await guest.connection();
	const files = new Files(guest.link);
	for (const wrong of [null, 5, false, {}, ["a"], new ArrayBuffer(1)]) {
		const refused = (what: string) =>
			expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(`expected ${what} to be`) });
		expect(() => exec(connection, "cat", { stdin: wrong as never })).toThrow(refused("stdin"));
		expect(() => spawn(connection, "cat", { stdin: wrong as never })).toThrow(refused("stdin"));
		expect(() => exec(connection, "cat", { onOutput: wrong as never })).toThrow(refused("onOutput"));
		await expect(files.write("x", wrong as never)).rejects.toEqual(refused("the content"));
		if (wrong !== null) await expect(files.read("x", { signal: wrong as never })).rejects.toEqual(refused("signal"));
	}
	expect(requests).toBe(0);
});

test("a stream of something else than text and bytes is refused, and let go of", async () => {
	const guest = fakeGuest((stream) => {
		stream.resume();
		stream.on("end", () => json(stream, {}));
	});
	let over = false;
	const source = (async function* () {
		try {
			yield "a";
			yield 7 as never;
		} finally {
			over = true;
		}
	})();
	await expect(new Files(guest.link).write("x", source)).rejects.toMatchObject({ code: "invalid_argument" });
	await expect.poll(() => over).toBe(true);
});

test("one signal for many calls at once is nothing to warn of", async () => {
	const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
	onTestFinished(() => warned.mockRestore());
	const guest = fakeGuest((stream) => json(stream, { entries: [], truncated: false }));
	const { signal } = new AbortController();
	const files = new Files(guest.link);
	await files.list("/", { signal });
	await Promise.all(Array.from({ length: 20 }, () => files.list("/", { signal })));
	expect(warned).not.toHaveBeenCalled();
});

test("when the machine dies, each pending call rejects once with connection_lost, and the next call connects anew", async () => {
	let live = false;
	const guest = fakeGuest((stream) => {
		stream.respond({ ":status": 200 });
		if (live) stream.end(Buffer.concat([STARTED, result()]));
		else stream.write(STARTED);
	});
	const connection = await guest.connection();
	const pending = Array.from({ length: 50 }, () => exec(connection, "sleep 9", {}));
	await new Promise((resolve) => setTimeout(resolve, 20));
	guest.kill();
	const ends = await Promise.allSettled(pending);
	expect(new Set(ends.map((end) => (end.status === "rejected" ? end.reason.code : end.status)))).toEqual(new Set(["connection_lost"]));
	live = true;
	const again = await Promise.all(Array.from({ length: 20 }, async () => exec(await guest.connection(), "x", {})));
	expect(again.every((one) => one.exitCode === 0)).toBe(true);
	expect(guest.connections).toBe(2);
});

describe("spawn", () => {
	test("streams, and its result is the same as exec's", async () => {
		const execution = await spawn(await answering(STARTED, frame(1, "out"), frame(2, "err"), result({ exitCode: 2 })), "x", {});
		const seen: string[] = [];
		for await (const chunk of execution) seen.push(`${chunk.stream}:${chunk.text}`);
		expect(seen).toEqual(["stdout:out", "stderr:err"]);
		expect(await execution.result).toMatchObject({ id: "7", exitCode: 2, stdout: "out", stderr: "err" });
	});

	test("a reader that pauses makes the guest wait, at a bounded amount", async () => {
		let sent = 0;
		const guest = fakeGuest((stream) => {
			stream.respond({ ":status": 200 });
			stream.write(STARTED);
			const flood = () => {
				while (sent < 64 * 1024 * 1024) {
					sent += 64 * 1024;
					if (!stream.write(frame(1, Buffer.alloc(64 * 1024)))) return;
				}
				stream.end(result());
			};
			stream.on("drain", flood);
			flood();
		});
		const connection = await guest.connection();
		const execution = await spawn(connection, "yes", {});
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect(sent).toBeLessThan(12 * 1024 * 1024);
		await connection.json("GET", "/v1/hello");
		let read = 0;
		for await (const chunk of execution) read += chunk.bytes.length;
		expect(read).toBe(64 * 1024 * 1024);
		expect((await execution.result).stdoutOmittedBytes).toBe(63 * 1024 * 1024);
	});

	test("nobody has to read, await or catch anything", async () => {
		const guest = fakeGuest((stream) => {
			stream.respond({ ":status": 200 });
			stream.write(Buffer.concat([STARTED, frame(1, "x")]));
		});
		await spawn(await guest.connection(), "x", {});
		guest.kill();
		await new Promise((resolve) => setTimeout(resolve, 20));
	});

	test("asking for the result alone lets the output flow", async () => {
		const flood = Buffer.concat(Array.from({ length: 100 }, () => frame(1, Buffer.alloc(64 * 1024))));
		const execution = await spawn(await answering(STARTED, flood, result()), "x", {});
		expect((await execution.result).stdoutOmittedBytes).toBe(100 * 64 * 1024 - 1024 * 1024);
	});

	test("leaving the loop lets the command go on", async () => {
		const flood = Buffer.concat(Array.from({ length: 100 }, () => frame(1, Buffer.alloc(64 * 1024))));
		const execution = await spawn(await answering(STARTED, flood, result({ exitCode: 4 })), "x", {});
		for await (const _chunk of execution) break;
		expect((await execution.result).exitCode).toBe(4);
	});

	test("every piece that an iterator was asked for is settled, by what comes, by the end or by its return", async () => {
		let answer: { write(bytes: Buffer): unknown; end(bytes: Buffer): unknown } | undefined;
		const guest = fakeGuest((stream) => {
			stream.respond({ ":status": 200 });
			stream.write(STARTED);
			answer = stream;
		});
		const connection = await guest.connection();
		const one = (await spawn(connection, "x", {}))[Symbol.asyncIterator]();
		const asked = Promise.all([one.next(), one.next(), one.next()]);
		answer?.write(frame(1, "a"));
		answer?.end(Buffer.concat([frame(1, "b"), result()]));
		expect((await asked).map(({ value }) => value?.text)).toEqual(["a", "b", undefined]);

		const other = (await spawn(connection, "x", {}))[Symbol.asyncIterator]();
		const next = other.next();
		await other.return?.();
		expect(await next).toEqual({ done: true, value: undefined });
	});

	test("what comes after a death in the middle is the error, in the loop and in the result", async () => {
		const guest = fakeGuest((stream) => {
			stream.respond({ ":status": 200 });
			stream.write(Buffer.concat([STARTED, frame(1, "before")]));
		});
		const execution = await spawn(await guest.connection(), "x", {});
		let text = "";
		const reading = (async () => {
			for await (const chunk of execution) {
				text += chunk.text;
				guest.kill();
			}
		})();
		await expect(reading).rejects.toMatchObject({ code: "connection_lost" });
		await expect(execution.result).rejects.toMatchObject({ code: "connection_lost" });
		expect(text).toBe("before");
	});

	test("write without `stdin: true` says so", async () => {
		const execution = await spawn(await answering(STARTED, result()), "x", {});
		await expect(execution.write("a")).rejects.toMatchObject({ code: "invalid_argument", message: expect.stringContaining("stdin: true") });
	});
});

test("an upload's source that never yields does not hold back the refusal", async () => {
	const guest = fakeGuest((stream) => json(stream, { code: "permission_denied", message: "no" }, 403));
	const connection = await guest.connection();
	await expect(connection.send("PUT", "/v1/files/write?path=/x", new PassThrough())).rejects.toMatchObject({ code: "permission_denied" });
});

test("what an upload has sent is kept no longer", async () => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as () => void;
	const held = () => {
		collect();
		return process.memoryUsage().arrayBuffers;
	};
	const guest = fakeGuest((stream) => {
		stream.resume();
		stream.on("end", () => json(stream, {}));
	});
	const before = held();
	let most = 0;
	async function* source() {
		for (let sent = 0; sent < 256; sent++) {
			if (sent % 64 === 63) most = Math.max(most, held() - before);
			yield Buffer.alloc(1024 * 1024, sent);
		}
	}
	await (await guest.connection()).send("PUT", "/v1/files/write?path=/x", source());
	expect(most).toBeLessThan(64 * 1024 * 1024);
});
