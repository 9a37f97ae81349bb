import { expect, test } from "vitest";
import { startHolder } from "../support/outside.js";
import { guestArguments, suite } from "../support/suite.js";

suite("torture-processes", (subject) => {
	const gone = async (seconds: string) => expect(await guestArguments(subject.computer)).not.toContain(seconds);

	test("1. A program that ignores TERM and HUP: TERM, then KILL of the whole tree by the deadline", async () => {
		const command = "sh -c 'trap \"\" TERM HUP INT; sleep 100101; sleep 100101'; echo never";
		const result = await subject.computer.exec(command, { timeoutMs: 300 });
		expect(result).toMatchObject({ timedOut: true, exitCode: 124, stdout: "" });
		expect(result.durationMs).toBeLessThan(15_000);
		await gone("100101");
		expect((await subject.computer.exec("echo on")).stdout).toBe("on\n");
	});

	test("2. A setsid double fork: killed too", async () => {
		const command = "setsid sh -c 'sleep 100102 & sleep 100102 & exec sleep 100102' & (setsid setsid sleep 100102 &) ; sleep 100102";
		expect(await subject.computer.exec(command, { timeoutMs: 500 })).toMatchObject({ timedOut: true, exitCode: 124 });
		await gone("100102");
		expect((await subject.computer.exec("echo on")).stdout).toBe("on\n");
	});

	test("3. The client is SIGKILLed in the middle of a command: nothing of it survives", async () => {
		const options = { ...subject.target.options, name: subject.computer.name };
		const holder = startHolder(options, "echo started; sleep 100103; echo never >/tmp/never", { session: "client", timeoutMs: 0 });
		await holder.line("output");
		const running = (await subject.computer.commands.list()).find(({ session }) => session === "client");
		holder.kill();
		await holder.exited;
		expect(await subject.computer.commands.wait(running?.id ?? "")).toMatchObject({ running: false });
		await gone("100103");
		expect(await subject.computer.files.exists("/tmp/never")).toBe(false);
		expect((await subject.computer.exec("echo on", { session: "client" })).stdout).toBe("on\n");
	});

	test("3. The same with a job: it goes on and is found again", async () => {
		const options = { ...subject.target.options, name: subject.computer.name };
		await subject.sh("mkfifo /tmp/job");
		const holder = startHolder(options, "read line </tmp/job; echo job $line", { session: "jobs", timeoutMs: 200, onTimeout: "job" });
		const { id } = await holder.line<{ id: string }>("result");
		holder.kill();
		await holder.exited;
		expect((await subject.computer.commands.get(id)).running).toBe(true);
		await subject.sh("echo done >/tmp/job");
		expect(await subject.computer.commands.wait(id)).toMatchObject({ running: false, exitCode: 0 });
		expect((await subject.computer.commands.output(id)).bytes.toString()).toBe("job done\n");
	});

	test("4. `sleep & echo done`: returns at once; later output is in that command's log", async () => {
		await subject.sh("mkfifo /tmp/later");
		const result = await subject.computer.exec("(read line </tmp/later; echo $line; echo $line >&2) & echo done");
		expect(result).toMatchObject({ stdout: "done\n", stderr: "", exitCode: 0 });
		expect((await subject.computer.exec("echo late >/tmp/later; wait; echo next")).stdout).toBe("next\n");
		const log = async (stream: "stdout" | "stderr") => (await subject.computer.commands.output(result.id, { stream })).bytes.toString();
		await expect.poll(() => log("stdout"), { timeout: 10_000 }).toBe("done\nlate\n");
		await expect.poll(() => log("stderr"), { timeout: 10_000 }).toBe("late\n");
	});

	test("6. `kill -9 -1` in the shell: the computer survives, the next command runs", async () => {
		await subject.computer.exec("cd /etc; export KEPT=yes");
		// With an engine the guest's end of the connection is killed too: an error that says so, and that one can call again.
		// Without another process there is nobody to kill, which kill says with 1.
		const result = await subject.computer.exec("sleep 100106 & kill -9 -1").catch((error: unknown) => error);
		if (result instanceof Error) expect(result).toMatchObject({ code: "connection_lost", retryable: true });
		// kill(2) spares the caller: the shell itself lives.
		else expect(result).toMatchObject({ exitCode: 0, timedOut: false });
		expect((await subject.computer.exec("echo $PWD $KEPT")).stdout).toBe("/etc yes\n");
		await gone("100106");
		expect(subject.computer.notices).toEqual([]);
	});

	test("7. 10,000 zombies: reaped", { timeout: 120_000 }, async () => {
		// Orphans by the hundred, whose parents are gone before they end: PID 1 has to take them.
		const command = "i=0; while [ $i -lt 10000 ]; do (: & : &) ; i=$((i+2)); done; echo $i";
		expect(await subject.computer.exec(command, { timeoutMs: 100_000 })).toMatchObject({ stdout: "10000\n", exitCode: 0 });
		const zombies = async () => {
			// What ends after the shell's last wait is its own, and gone with the next one.
			await subject.computer.exec("(:)");
			return await subject.sh("cat /proc/[0-9]*/status 2>/dev/null | grep -c '^State:.Z' || true");
		};
		await expect.poll(zombies, { timeout: 10_000 }).toBe("0");
	});

	test("9. A program that reads stdin: end of file at once", async () => {
		for (const program of ["cat", "sh", "read line; echo $?", "head -n 1", "sort", "wc -c"]) {
			const result = await subject.computer.exec(`${program}; echo end`, { timeoutMs: 10_000 });
			expect(result, program).toMatchObject({ timedOut: false, stdout: expect.stringMatching(/end\n$/) });
		}
	});

	test.each([126, 127, 137])("10. Programs that exit %i: told apart from errors of the engine", async (status) => {
		expect(await subject.computer.exec(`sh -c 'exit ${status}'`)).toMatchObject({ exitCode: status, shell: "kept" });
		expect(await subject.computer.exec(`exit ${status}`)).toMatchObject({ exitCode: status, shell: "exited" });
	});
});

suite(
	"torture-fork-bomb",
	(subject) => {
		test("5. Fork bomb: an error within the pids limit; the agent still answers and kills it", { timeout: 120_000 }, async ({ skip }) => {
			if (!subject.target.capabilities.limitPids) skip("this driver says that it can not limit processes here");
			const bomb = await subject.computer.spawn("b() { b | b & }; b; wait; sleep 100105", { session: "bomb" });
			for await (const chunk of bomb) if (/fork|[Rr]esource/.test(chunk.text)) break;
			expect((await subject.computer.info()).uid).toBe(0);
			await subject.computer.files.write("/tmp/answers", "yes");
			// A shell may give up when it can not fork: then the command has ended, and the bomb is what it left in the background.
			await subject.computer.commands.kill(bomb.id, { graceMs: 0 });
			for (const session of ["bomb", "other"]) {
				expect(await subject.computer.exec("cat /tmp/answers", { session })).toMatchObject({ stdout: "yes", exitCode: 0, session });
			}
			await gone(subject.computer);
		});
	},
	{ pids: 100 },
);

async function gone(computer: Parameters<typeof guestArguments>[0]): Promise<void> {
	expect(await guestArguments(computer)).not.toContain("100105");
}
