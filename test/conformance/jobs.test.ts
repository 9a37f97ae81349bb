import { expect, test } from "vitest";
import { expectError, suite } from "../support/suite.js";

suite("jobs", (subject) => {
	test("a job begins where its session is, and leaves the session alone", async () => {
		const { computer } = subject;
		await computer.exec("cd /tmp; export A=1; b=2");
		const job = await computer.commands.start('echo "$PWD $A [$b]"; cd /; exit 7');
		expect(job).toMatchObject({ running: true, exitCode: null, session: "main" });
		expect((await computer.exec('echo "$PWD $A $b"')).stdout).toBe("/tmp 1 2\n");
		expect(await computer.commands.wait(job.id)).toMatchObject({ running: false, exitCode: 7, timedOut: false });
		expect((await computer.commands.output(job.id)).bytes.toString()).toBe("/tmp 1 []\n");
	});

	test("its output is read as it grows, by offset, each stream alone", async () => {
		const { commands } = subject.computer;
		const job = await commands.start("echo one; echo oops >&2; read line; echo two", { stdin: true });
		let first = await commands.output(job.id);
		while (first.totalBytes < 4) first = await commands.output(job.id);
		expect(first.bytes.toString()).toBe("one\n");
		await commands.sendInput(job.id, "go\n");
		await commands.wait(job.id);
		expect((await commands.output(job.id, { offset: 4 })).bytes.toString()).toBe("two\n");
		expect((await commands.output(job.id, { stream: "stderr" })).bytes.toString()).toBe("oops\n");
	});

	test("waiting ends when it reads its input, which can be written in pieces", async () => {
		const { commands } = subject.computer;
		const job = await commands.start('read a; read b; echo "$a $b"', { stdin: true });
		expect(await commands.wait(job.id, { input: true })).toMatchObject({ running: true, readsInput: true });
		await commands.sendInput(job.id, "one\n", { end: false });
		expect(await commands.wait(job.id, { input: true })).toMatchObject({ running: true, readsInput: true });
		await commands.sendInput(job.id, "two\n");
		expect(await commands.wait(job.id, { input: true })).toMatchObject({ running: false, readsInput: false });
		expect((await commands.output(job.id)).bytes.toString()).toBe("one two\n");
	});

	test("a command that is waited for can be told to go on as a job", async () => {
		const { computer } = subject;
		const execution = await computer.spawn("cd /tmp; echo begun; sleep 71", { stdin: true, collect: true });
		while ((await computer.commands.get(execution.id)).stdoutBytes === 0);
		await execution.detach();
		expect(await execution.result).toMatchObject({ running: true, timedOut: false, shell: "moved", stdout: "begun\n", exitCode: null });
		expect((await computer.exec("echo free")).stdout).toBe("free\n");
		await computer.commands.kill(execution.id);
		const short = await computer.spawn("exit 3", { collect: true });
		expect(await short.result).toMatchObject({ exitCode: 3 });
	});

	test("a time limit and a kill end its whole tree", async () => {
		const { commands } = subject.computer;
		const limited = await commands.start("sleep 71 & sleep 71", { timeoutMs: 200 });
		expect(await commands.wait(limited.id)).toMatchObject({ running: false, exitCode: 124, timedOut: true });
		const killed = await commands.start("trap '' TERM; sleep 71; sleep 71");
		expect(await commands.kill(killed.id, { graceMs: 100 })).toMatchObject({ running: false, timedOut: false });
		expect(await subject.sh("grep -lz '^71$' /proc/[0-9]*/cmdline 2>/dev/null | wc -l | tr -d ' '")).toBe("0");
	});

	test("what it can not run with is refused", async () => {
		const { commands } = subject.computer;
		await expectError(commands.start("true", { cwd: "/nowhere" }), "not_found");
		await expectError(commands.start("a\0b"), "invalid_argument");
	});

	test("it goes on when whoever started it has left (the last test: it closes the computer)", async () => {
		const { computer, target } = subject;
		const job = await computer.commands.start("read line; echo still here", { stdin: true });
		await computer.close();
		const again = await target.open("jobs");
		await again.commands.sendInput(job.id, "\n");
		expect(await again.commands.wait(job.id)).toMatchObject({ exitCode: 0 });
	});
});
