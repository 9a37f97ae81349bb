import { describe, expect, test } from "vitest";
import { expectError, guestArguments, suite } from "../support/suite.js";

const MB = 1_000_000;
/** What the agent keeps of a long log: this much of its head, and of its tail. */
const KEPT = 8 * 1024 * 1024;

suite("commands", (subject) => {
	test("a running command and a finished one are in the list", async () => {
		const running = await subject.computer.spawn("read line", { session: "listed", stdin: true });
		const done = await subject.computer.exec("echo done; echo no >&2; exit 4");
		const commands = await subject.computer.commands.list();
		expect(commands.find(({ id }) => id === running.id)).toMatchObject({
			session: "listed",
			command: "read line",
			running: true,
			exitCode: null,
			stdoutBytes: 0,
		});
		expect(commands.find(({ id }) => id === done.id)).toMatchObject({
			running: false,
			exitCode: 4,
			timedOut: false,
			stdoutBytes: 5,
			stderrBytes: 3,
		});
		await running.end();
		expect((await running.result).exitCode).toBe(1);
		expect(await subject.computer.commands.get(running.id)).toMatchObject({ running: false, exitCode: 1 });
	});

	test("one that is not there is not_found", async () => {
		await expectError(subject.computer.commands.get("999999"), "not_found");
		await expectError(subject.computer.commands.output("999999"), "not_found");
		await expectError(subject.computer.commands.kill("999999"), "not_found");
	});

	test("wait ends with the command, or with its own time", async () => {
		const running = await subject.computer.spawn("read line; exit 6", { session: "waited", stdin: true });
		expect(await subject.computer.commands.wait(running.id, { timeoutMs: 100 })).toMatchObject({ running: true, exitCode: null });
		const waiting = subject.computer.commands.wait(running.id);
		await running.write("go\n");
		expect(await waiting).toMatchObject({ running: false, exitCode: 6 });
	});

	test("input for a command that is known by its id", async () => {
		const running = await subject.computer.spawn("cat", { session: "fed", stdin: true });
		await subject.computer.commands.sendInput(running.id, "from elsewhere\n");
		expect(await running.result).toMatchObject({ stdout: "from elsewhere\n", exitCode: 0 });
	});

	describe("kill", () => {
		test("a signal of choice reaches what does not heed the interrupt before it", async () => {
			const session = "hup";
			const running = await subject.computer.spawn(
				'sh -c \'trap "" INT; trap "echo hung up; exit 9" HUP; echo ready; while :; do sleep 0.1; done\'',
				{
					session,
				},
			);
			for await (const chunk of running) if (chunk.text.includes("ready")) break;
			const state = await subject.computer.commands.kill(running.id, { signalName: "SIGHUP", graceMs: 10_000 });
			expect(state.running).toBe(false);
			expect((await subject.computer.commands.output(running.id)).bytes.toString()).toBe("ready\nhung up\n");
		});

		test("what heeds the interrupt has no other signal", async () => {
			const session = "int";
			const running = await subject.computer.spawn(
				'sh -c \'trap "echo interrupted; exit 9" INT; trap "echo hung up" HUP; echo ready; while :; do sleep 0.1; done\'',
				{ session },
			);
			for await (const chunk of running) if (chunk.text.includes("ready")) break;
			await subject.computer.commands.kill(running.id, { signalName: "SIGHUP", graceMs: 10_000 });
			expect((await subject.computer.commands.output(running.id)).bytes.toString()).toBe("ready\ninterrupted\n");
		});

		test("what ignores it is killed after the grace", async () => {
			const running = await subject.computer.spawn("trap '' TERM INT HUP; echo ready; sleep 100011; echo never", { session: "stubborn" });
			for await (const chunk of running) if (chunk.text.includes("ready")) break;
			expect(await subject.computer.commands.kill(running.id, { graceMs: 200 })).toMatchObject({ running: false });
			expect(await guestArguments(subject.computer)).not.toContain("100011");
			expect((await running.result).stdout).toBe("ready\n");
			expect((await subject.computer.exec("echo on", { session: "stubborn" })).stdout).toBe("on\n");
		});

		test("a job's whole tree is killed, and nothing else of its session", async () => {
			const session = "job";
			const job = await subject.computer.exec("sleep 100012 & sleep 100013", { session, timeoutMs: 300, onTimeout: "job" });
			const beside = await subject.computer.spawn("read line; echo $line", { session, stdin: true });
			expect(await subject.computer.commands.kill(job.id)).toMatchObject({ running: false });
			expect(await guestArguments(subject.computer)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^10001[23]$/)]));
			await beside.write("alive\n");
			expect((await beside.result).stdout).toBe("alive\n");
		});
	});

	describe("the log", () => {
		test("is read by offset, each stream on its own", async () => {
			const { id } = await subject.computer.exec("printf 0123456789; printf abc >&2");
			const { output } = subject.computer.commands;
			const log = output.bind(subject.computer.commands);
			expect(await log(id, { offset: 3, length: 4 })).toEqual({ bytes: Buffer.from("3456"), offset: 3, totalBytes: 10 });
			expect(await log(id, { offset: 10 })).toEqual({ bytes: Buffer.alloc(0), offset: 10, totalBytes: 10 });
			expect(await log(id, { stream: "stderr" })).toEqual({ bytes: Buffer.from("abc"), offset: 0, totalBytes: 3 });
		});

		test("of 40 MB keeps head and tail; a read in the dropped middle goes on at the tail", async () => {
			// Every line is its own number: 8 bytes each.
			const lines = 5 * MB;
			const { id, stdoutOmittedBytes } = await subject.computer.exec(`seq 1000000 ${1_000_000 + lines - 1}`, { maxOutputBytes: 16 });
			expect(stdoutOmittedBytes).toBe(8 * lines - 16);
			const at = (offset: number) => `${1_000_000 + offset / 8}\n`;
			const log = subject.computer.commands;
			const head = await log.output(id, { offset: 4 * MB, length: 16 });
			expect(head).toMatchObject({ offset: 4 * MB, totalBytes: 8 * lines });
			expect(head.bytes.toString()).toBe(at(4 * MB) + at(4 * MB + 8));
			const edge = await log.output(id, { offset: KEPT - 8, length: 64 });
			expect(edge.bytes.toString()).toBe(at(KEPT - 8));
			const middle = await log.output(id, { offset: 20 * MB, length: 8 });
			expect(middle.offset).toBe(8 * lines - KEPT);
			expect(middle.bytes.toString()).toBe(at(8 * lines - KEPT));
			const tail = await log.output(id, { offset: 8 * lines - 16, length: 64 });
			expect(tail).toMatchObject({ offset: 8 * lines - 16, totalBytes: 8 * lines });
			expect(tail.bytes.toString()).toBe(at(8 * lines - 16) + at(8 * lines - 8));
			const whole = await log.output(id, { offset: middle.offset, length: 16 * 1024 * 1024 });
			expect(whole.bytes.length).toBe(KEPT);
		});
	});
});
