import { expect, test } from "vitest";
import { toolSuite } from "./subject.js";

toolSuite("tool-machine", (subject) => {
	const { call } = subject;

	test("streams apart, exact exit code, directory and duration", async () => {
		const { structured } = await call("Execute", { command: "echo out; echo err >&2; (exit 77)" });
		expect(structured).toMatchObject({ exitCode: 77, stdout: "out\n", stderr: "err\n", cwd: "/home/user", running: false });
	});

	test("two calls at once get each its own output", async () => {
		const results = await Promise.all(["one", "two", "three"].map((word) => call("Execute", { command: `echo ${word}` })));
		expect(results.map(({ structured }) => structured["stdout"])).toEqual(["one\n", "two\n", "three\n"]);
	});

	test("a call that is canceled says so, and its command has ended", async () => {
		const stop = new AbortController();
		const called = subject.toolbox.call("Execute", { command: "echo $$; sleep 63" }, { signal: stop.signal });
		await expect.poll(async () => (await subject.computer.commands.list()).at(-1)?.running).toBe(true);
		stop.abort();
		expect((await called).structured).toMatchObject({ error: { code: "canceled" } });
		await expect
			.poll(async () => (await subject.computer.processes.list()).some(({ command }) => command.includes("sleep 63")))
			.toBe(false);
	});

	test("a variable is set as it is, for later shells too", async () => {
		const value = `$HOME 'x' "y" \`z\``;
		await call("SetEnvVar", { key: "ODD", value });
		await call("ResetShell");
		expect((await call("Execute", { command: 'printf %s "$ODD"' })).structured).toMatchObject({ stdout: value });
		expect((await call("SetEnvVar", { key: "1BAD", value })).isError).toBe(true);
	});

	test("a job is started, read by offset, answered and ended", async () => {
		const started = await call("ExecuteBackground", { command: 'echo one; read line; echo "got $line"; sleep 64' });
		const { handleId } = started.structured as { handleId: string };
		expect(started.structured).toMatchObject({ running: true, stdout: "one\n" });
		expect((await call("SendInput", { job: handleId, text: "pear" })).text).toContain("got pear");
		const logs = await call("ReadProcessLogs", { handleId, fromOffset: 4 });
		expect(logs.structured).toMatchObject({ content: "got pear\n", offset: 4, nextOffset: 13, totalBytes: 13 });
		expect((await call("KillBackground", { handleId })).structured).toMatchObject({ running: false });
		const limited = await call("ExecuteBackground", { command: "sleep 65", timeout: 1 });
		expect((await call("Wait", { job: limited.structured["handleId"] })).text).toContain("its time was over");
		expect((await call("ExecuteBackground", { command: "no-such-program" })).structured).toMatchObject({ exitCode: 127 });
	});

	test("what a job has written before is a call away, where it was errors alone too", async () => {
		const { structured } = await call("ExecuteBackground", { command: "echo warning >&2" });
		const { text } = await call("Wait", { job: structured["job"] });
		expect(text).toContain(`ReadProcessLogs(handleId: "${structured["job"]}", fromOffset: 0, stream: "stderr") shows what was before`);
	});

	test("the end of a job's input alone is no empty line before it", async () => {
		const { structured } = await call("ExecuteBackground", { command: "wc -c" });
		expect((await call("SendInput", { job: structured["job"], text: "", end: true })).structured).toMatchObject({
			exitCode: 0,
			stdout: "0\n",
		});
	});

	test("a program with a loop of events that only waits for its input is seen, too", async () => {
		const { computer } = subject;
		// The computer of the namespace driver has what runs this test.
		if ((await computer.exec("command -v node")).exitCode !== 0) return;
		expect((await call("Execute", { command: "node" })).text).toMatch(/^exit code 0 .*its input, which was empty/s);
		const ask = 'require("readline").createInterface(process.stdin, process.stdout).question("Fruit? ", (a) => process.exit(a.length))';
		const { structured } = await call("Execute", { command: `node -e '${ask}'` });
		expect(structured).toMatchObject({ waitsForInput: true });
		expect((await call("SendInput", { job: structured["job"], text: "pear" })).structured).toMatchObject({ exitCode: 4 });
	});

	test("each line of a job that writes all the time is shown once", async () => {
		const { structured } = await call("ExecuteBackground", { command: "i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done" });
		const { handleId } = structured as { handleId: string };
		const shown = [structured["stdout"]];
		for (let turn = 0; turn < 6; turn++) shown.push((await call("ReadProcessLogs", { handleId })).structured["stdout"]);
		shown.push((await call("KillBackground", { handleId })).structured["stdout"]);
		const lines = shown.join("").split("\n").slice(0, -1).map(Number);
		expect(lines.length).toBeGreaterThan(6);
		expect(lines).toEqual(lines.map((_, index) => index + 1));
	});

	test("a job is shown from its beginning, whatever had its id before the computer was stopped", async () => {
		const before = subject.another();
		for (let count = 0; count < 3; count++) await before.call("Execute", { command: "echo a longer line; echo and one more" });
		const { job } = (await before.call("ExecuteBackground", { command: "echo a longer line" })).structured as { job: string };
		await subject.computer.stop();
		for (let id = 0; id < Number(job); id++) {
			expect((await before.call("ExecuteBackground", { command: "echo the first line; echo the second" })).structured).toMatchObject({
				stdout: "the first line\nthe second\n",
			});
		}
	});

	test("what would delete everything is saved first, as a job too", async () => {
		if (!subject.target.capabilities.checkpoints) return;
		await call("WriteFile", { path: "kept.txt", content: "kept" });
		const { text } = await call("ExecuteBackground", { command: "rm -rf ~/*" });
		const [, checkpoint] = /^note: a checkpoint was made first; Rollback\(checkpoint: "(\w+)"/.exec(text) ?? expect.fail(text);
		await call("Rollback", { checkpoint, confirm: true });
		expect((await call("ReadFile", { path: "kept.txt" })).structured).toMatchObject({ content: "kept" });
	});

	test("a process gets a signal, and the computer's own none", async () => {
		const { structured } = await call("ExecuteBackground", { command: "sleep 66" });
		const { processes } = subject.computer;
		const found = (await processes.list()).find(({ command }) => command === "sleep 66");
		expect((await call("KillProcess", { pid: found?.pid, signal: 9 })).text).toContain("sent KILL");
		expect((await call("Wait", { job: structured["handleId"] })).structured).toMatchObject({ exitCode: 137 });
		expect((await call("KillProcess", { pid: 1 })).isError).toBe(true);
		expect((await call("KillProcess", { pid: 999_999 })).isError).toBe(true);
	});

	test("the status has what a model asks for", async () => {
		const { text } = await call("ComputerStatus", { showProcesses: true });
		for (const word of ["system: ", "memory: ", "disk: ", "tools: ", "ports: ", "now in /home/user", "processes: "])
			expect(text).toContain(word);
	});

	test("what happens behind its back is told, each time", async () => {
		for (const _ of ["once", "and once more"]) {
			await subject.computer.stop();
			const { text } = await call("Execute", { command: "echo on" });
			expect(text).toMatch(/notice: .*(started|anew)/);
			expect(text).toContain("exit code 0");
			expect((await call("Execute", { command: "echo on" })).text).not.toContain("notice:");
		}
	});

	test("restarting keeps the files, and rebuilding asks first and then has none", async () => {
		await call("WriteFile", { path: "kept.txt", content: "kept" });
		expect((await call("RestartComputer")).isError).toBe(false);
		expect((await call("ReadFile", { path: "kept.txt" })).structured).toMatchObject({ content: "kept" });
		expect((await call("RebuildComputer", { confirm: "no" })).text).toContain("nothing was done");
		expect((await call("ReadFile", { path: "kept.txt" })).isError).toBe(false);
		const rebuilt = await call("RebuildComputer", { confirm: true });
		expect(rebuilt.isError, rebuilt.text).toBe(false);
		expect((await call("ReadFile", { path: "kept.txt" })).structured).toMatchObject({ error: { code: "not_found" } });
		if (!subject.target.capabilities.checkpoints) return;
		const [, checkpoint] = /Rollback\(checkpoint: "(\w+)"/.exec(rebuilt.text) ?? [];
		expect((await call("Rollback", { checkpoint, confirm: true })).isError).toBe(false);
		expect((await call("ReadFile", { path: "kept.txt" })).structured).toMatchObject({ content: "kept" });
	});
});
