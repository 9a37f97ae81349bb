/** The client against the agent itself, as a plain process: that both read docs/protocol.md alike. What a shell does is conformance's. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Commands } from "../../packages/computer/src/agent/commands.js";
import { exec } from "../../packages/computer/src/agent/exec.js";
import type { ExecOptions } from "../../packages/computer/src/agent/exec-options.js";
import { spawn } from "../../packages/computer/src/agent/execution.js";
import { Files } from "../../packages/computer/src/agent/files.js";
import { computerInfo } from "../../packages/computer/src/agent/info.js";
import { AgentLink } from "../../packages/computer/src/agent/link.js";
import { Sessions } from "../../packages/computer/src/agent/sessions.js";
import { Terminals } from "../../packages/computer/src/agent/terminals.js";
import { NO_AGENT, type RealAgent, startAgent } from "./guest.js";

describe.skipIf(NO_AGENT !== undefined)(`the real agent${NO_AGENT === undefined ? "" : ` (skipped: ${NO_AGENT})`}`, () => {
	let agent: RealAgent;
	let link: AgentLink;
	let reboots = 0;
	const run = async (command: string, options: ExecOptions = {}) => exec(await link.get(), command, options);
	const path = (name: string) => join(agent.directory, "home", name);

	beforeAll(async () => {
		agent = await startAgent();
		link = new AgentLink({ connect: async (begin) => begin(await agent.connect()), onBoot: (first) => (reboots += first ? 0 : 1) });
	});
	afterAll(async () => {
		link.close();
		await agent.stop();
	});

	test("a command: streams apart, exit code, directory kept", async () => {
		expect(await run("cd /usr; echo out; echo err >&2; (exit 7)")).toMatchObject({
			stdout: "out\n",
			stderr: "err\n",
			exitCode: 7,
			cwd: "/usr",
			shell: "kept",
		});
		expect((await run("pwd; cd")).stdout).toBe("/usr\n");
	});

	test("a cut: exactly the head and the tail that the whole has, whoever cuts", async () => {
		const whole = Buffer.from(Array.from({ length: 5000 }, (_, i) => `${i + 1}\n`).join(""));
		const expected = Buffer.concat([whole.subarray(0, 51), whole.subarray(whole.length - 50)]);
		for (const onOutput of [undefined, () => {}]) {
			const done = await run("seq 5000", { maxOutputBytes: 101, onOutput });
			expect(Buffer.from(done.stdoutBytes)).toEqual(expected);
			expect(done.stdoutOmittedBytes).toBe(whole.length - 101);
		}
	});

	test("what a cut left out is read from the log, as the notice says", async () => {
		const commands = new Commands(link);
		const { id } = await run("seq 5000", { maxOutputBytes: 100 });
		const part = await commands.output(id, { offset: 50, length: 10 });
		expect(part).toMatchObject({ offset: 50, totalBytes: 23893 });
		expect(part.bytes.toString()).toBe("\n21\n22\n23\n");
	});

	test("any bytes through stdin and out again", async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 4 }), async (pieces) => {
				const done = await run("cat", { stdin: Readable.from(pieces.map((piece) => Buffer.from(piece))) });
				expect(Buffer.from(done.stdoutBytes)).toEqual(Buffer.concat(pieces));
			}),
			{ numRuns: 30 },
		);
	});

	test("16 MiB through stdin, by a stream, and out again by pieces", async () => {
		const piece = Buffer.alloc(64 * 1024, "abcdefg");
		let bytes = 0;
		const done = await run("cat", {
			stdin: Readable.from(Array.from({ length: 256 }, () => piece)),
			onOutput: (chunk) => (bytes += chunk.bytes.length),
		});
		expect(done.exitCode).toBe(0);
		expect(bytes).toBe(16 * 1024 * 1024);
	});

	test("a command that does not read its stdin", async () => {
		expect(
			(await run("exec true", { stdin: Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(65536))), session: "deaf" })).exitCode,
		).toBe(0);
	});

	test("a timeout kills, or makes a job", async () => {
		expect(await run("echo a; sleep 20", { timeoutMs: 200, session: "t" })).toMatchObject({
			exitCode: 124,
			timedOut: true,
			running: false,
			stdout: "a\n",
		});
		const job = await run("echo b; sleep 0.5; echo c; exit 5", { timeoutMs: 200, onTimeout: "job", session: "t" });
		expect(job).toMatchObject({ exitCode: null, timedOut: true, running: true, stdout: "b\n" });
		const commands = new Commands(link);
		expect(await commands.wait(job.id)).toMatchObject({ running: false, exitCode: 5, stdoutBytes: 4 });
		expect((await commands.output(job.id)).bytes.toString()).toBe("b\nc\n");
	});

	test("an abort kills the whole tree", async () => {
		const controller = new AbortController();
		const marker = `81.${process.pid}`;
		const running = run(`setsid sleep ${marker} & sleep ${marker}`, { session: "abort", signal: controller.signal });
		await new Promise((resolve) => setTimeout(resolve, 200));
		controller.abort();
		await expect(running).rejects.toMatchObject({ code: "canceled" });
		const gone = `for i in $(seq 50); do pgrep -f 'sleep ${marker.replace(".", "[.]")}' >/dev/null || exit 0; sleep 0.1; done; exit 1`;
		expect((await run(gone)).exitCode).toBe(0);
	});

	test("spawn: talking to a program", async () => {
		const execution = await spawn(await link.get(), 'while read -r line; do echo "<$line>"; done; exit 6', { stdin: true });
		const lines = execution[Symbol.asyncIterator]();
		for (const word of ["one", "zwei", "três"]) {
			await execution.write(`${word}\n`);
			expect((await lines.next()).value?.text).toBe(`<${word}>\n`);
		}
		await execution.end();
		expect(await lines.next()).toMatchObject({ done: true });
		expect((await execution.result).exitCode).toBe(6);
		await expect(execution.write("x")).rejects.toMatchObject({ code: "not_found" });
	});

	test("spawn: kill", async () => {
		const execution = await spawn(await link.get(), "trap '' TERM; sleep 30", { session: "kill" });
		await execution.kill({ graceMs: 100 });
		expect((await execution.result).exitCode).not.toBe(0);
		await expect(execution.kill()).resolves.toBeUndefined();
	});

	test("errors of the guest are typed", async () => {
		await expect(run("true", { cwd: "/does/not/exist" })).rejects.toMatchObject({ code: "not_found" });
		await expect(new Commands(link).get("nosuch")).rejects.toMatchObject({ code: "not_found" });
		await expect((await link.get()).json("GET", "/v1/nosuch")).rejects.toMatchObject({ code: "not_supported" });
		const files = new Files(link);
		await expect(files.read(path("none"))).rejects.toMatchObject({ code: "not_found" });
		await expect(files.read("/etc")).rejects.toMatchObject({ code: "not_a_file" });
		await expect(files.read("/dev/zero")).rejects.toMatchObject({ code: "not_a_file" });
		await expect(files.list("/etc/passwd")).rejects.toMatchObject({ code: "not_a_directory" });
	});

	test("files: any bytes under any name", async () => {
		const files = new Files(link);
		const names = fc
			.uint8Array({ minLength: 1, maxLength: 60, min: 1 })
			.filter((name) => !name.includes(0x2f) && !/^\.\.?$/.test(Buffer.from(name).toString()));
		await fc.assert(
			fc.asyncProperty(names, fc.uint8Array({ maxLength: 2000 }), async (name, content) => {
				const file = Buffer.concat([Buffer.from(path("any/")), name]);
				const entry = await files.write(file, content);
				expect(Buffer.from(entry.nameBytes ?? Buffer.from(entry.name))).toEqual(Buffer.from(name));
				expect(entry).toMatchObject({ type: "file", size: content.length });
				expect(await files.read(file)).toEqual(Buffer.from(content));
				expect((await files.list(path("any"))).entries).toEqual([expect.objectContaining({ size: content.length })]);
				await files.remove(file);
				expect(await files.exists(file)).toBe(false);
			}),
			{ numRuns: 50 },
		);
	});

	test("files: parts, streams, append, mode, move, copy, remove", async () => {
		const files = new Files(link);
		await files.write(path("d/a"), "0123456789", { mode: 0o640 });
		expect((await files.stat(path("d/a"))).mode).toBe(0o640);
		expect(await files.readText(path("d/a"), { offset: 3, length: 4 })).toBe("3456");
		expect(await files.readText(path("d/a"), { offset: 30 })).toBe("");
		await files.write(path("d/a"), Readable.from(["x", "y"]), { append: true });
		expect((await buffer(await files.readStream(path("d/a"), { offset: 8 }))).toString()).toBe("89xy");
		await files.copy(path("d"), path("e/f"));
		await files.move(path("e/f/a"), path("g"));
		expect(await files.readText(path("g"))).toBe("0123456789xy");
		await expect(files.remove(path("d"))).rejects.toMatchObject({ code: expect.stringMatching(/already_exists|busy|invalid_argument/) });
		await files.remove(path("d"), { recursive: true });
		await files.mkdir(path("m/n"));
		expect((await files.list(path("m"))).entries).toMatchObject([{ name: "n", type: "directory" }]);
		expect(await files.exists(path("d"))).toBe(false);
		expect(await files.exists(path("g/x"))).toBe(false);
	});

	test("files: a source that fails halfway changes nothing", async () => {
		const files = new Files(link);
		await files.write(path("keep"), "old");
		const source = (async function* () {
			yield Buffer.alloc(500_000);
			throw new Error("unplugged");
		})();
		await expect(files.write(path("keep"), source)).rejects.toThrow("unplugged");
		const controller = new AbortController();
		const hanging = (async function* () {
			yield "new";
			setTimeout(() => controller.abort(), 50);
			await new Promise(() => {});
		})();
		await expect(files.write(path("keep"), hanging, { signal: controller.signal })).rejects.toMatchObject({ code: "canceled" });
		expect(await files.readText(path("keep"))).toBe("old");
	});

	test("files: a stream that is read slowly or left early leaves the rest of the connection alone", async () => {
		const files = new Files(link);
		await files.write(path("big"), Buffer.alloc(32 * 1024 * 1024));
		const slow = await files.readStream(path("big"));
		await new Promise((resolve) => slow.once("readable", resolve));
		expect((await run("echo fine")).stdout).toBe("fine\n");
		slow.destroy();
		expect((await files.read(path("big"))).length).toBe(32 * 1024 * 1024);
	});

	test("sessions", async () => {
		const sessions = new Sessions(link);
		expect(await sessions.open("s1")).toMatchObject({ name: "s1", busy: false, queued: 0 });
		await run("cd /usr", { session: "s1" });
		expect(await sessions.list()).toContainEqual(expect.objectContaining({ name: "s1", cwd: "/usr" }));
		await sessions.remove("s1");
		expect((await run("pwd", { session: "s1" })).stdout).not.toBe("/usr\n");
	});

	test("terminals", async () => {
		const terminals = new Terminals(link);
		const terminal = await terminals.open("t1", { command: "stty size; cat", columns: 100, rows: 30 });
		expect(terminal).toMatchObject({ name: "t1", created: true });
		const screen = await terminal.attach();
		let shown = "";
		const shows = (text: string) =>
			new Promise<void>((resolve) => {
				const look = (chunk?: Buffer) => {
					shown += chunk?.toString() ?? "";
					if (!shown.includes(text)) return;
					screen.off("data", look);
					resolve();
				};
				screen.on("data", look);
				look();
			});
		await shows("30 100");
		screen.write("hello\n");
		await shows("hello\r\nhello\r\n");
		await terminal.resize(90, 20);
		expect(await terminals.list()).toMatchObject([{ name: "t1", columns: 90, rows: 20, running: true, exitCode: null }]);
		screen.destroy();
		expect((await terminals.open("t1")).created).toBe(false);
		await terminals.remove("t1");
	});

	test("info", async () => {
		const info = computerInfo(await (await link.get()).json("GET", "/v1/info"));
		expect(info.cpus).toBeGreaterThan(0);
		expect(info.memory.totalBytes).toBeGreaterThan(info.memory.availableBytes);
	});

	test("a hundred sessions at once", async () => {
		const all = await Promise.all(Array.from({ length: 100 }, (_, i) => run(`echo ${i}`, { session: `many-${i}` })));
		expect(all.map((one) => one.stdout)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}\n`));
		const sessions = new Sessions(link);
		await Promise.all(all.map((one) => sessions.remove(one.session)));
	});

	test("an agent that starts anew is noticed", async () => {
		await agent.stop();
		agent = await startAgent();
		expect((await run("echo back")).stdout).toBe("back\n");
		expect(reboots).toBe(1);
	});
});
