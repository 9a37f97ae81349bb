import { expect, test } from "vitest";
import { serveInGuest } from "../support/guest-server.js";
import { expectError, suite } from "../support/suite.js";

suite("processes", (subject) => {
	test("the list tells who runs, for which command, and what is the agent's own", async () => {
		const { computer } = subject;
		const running = await computer.spawn("echo started; exec sleep 100041", { session: "listed" });
		for await (const _ of running) break;
		const found = async () => (await computer.processes.list()).find(({ command }) => command === "sleep 100041");
		await expect.poll(found).toBeDefined();
		const sleep = await found();
		expect(sleep).toMatchObject({ name: "sleep", user: "root", uid: 0, state: "sleeping", internal: false, commandId: running.id });
		expect(Math.abs((sleep?.startedAt ?? 0) - Date.now())).toBeLessThan(60_000);
		expect(sleep?.rssBytes).toBeGreaterThan(0);
		const all = await computer.processes.list();
		expect(all[0]).toMatchObject({ pid: 1, internal: true });
		expect(all.filter(({ internal }) => internal).every(({ command }) => /agent (init|connect)/.test(command))).toBe(true);
		await computer.processes.kill(sleep?.pid ?? 0);
		await expect.poll(found).toBeUndefined();
		expect((await running.result).exitCode).toBe(143);
	});

	test("a named signal reaches the process", async () => {
		const { computer } = subject;
		const running = await computer.spawn("exec sh -c 'trap \"echo heard; exit 5\" USR1; echo pid $$; while :; do sleep 0.05; done'", {
			session: "named",
		});
		let pid = 0;
		for await (const chunk of running) {
			pid = Number(/^pid (\d+)/.exec(chunk.text)?.[1]);
			break;
		}
		await computer.processes.kill(pid, { signalName: "SIGUSR1" });
		expect(await running.result).toMatchObject({ stdout: `pid ${pid}\nheard\n`, exitCode: 5 });
	});

	test("never the agent, nor a thread of it, nor a group, nor nobody", async () => {
		const { computer } = subject;
		await expectError(computer.processes.kill(1, { signalName: "KILL" }), "permission_denied");
		const threads = (await subject.sh("ls /proc/1/task")).split("\n").map(Number);
		for (const thread of threads.filter((id) => id !== 1).slice(0, 3)) await expectError(computer.processes.kill(thread), "not_found");
		await expectError(computer.processes.kill(2 ** 31 - 1), "not_found");
		await expectError(computer.processes.kill(0), "invalid_argument");
		await expectError(computer.processes.kill(2, { signalName: "NONE" }), "invalid_argument");
		expect((await computer.exec("echo here", { session: "aside" })).stdout).toBe("here\n");
	});

	test("a command line is one printable line", async () => {
		const { computer } = subject;
		const running = await computer.spawn("exec sh -c 'sleep 100042; :' \"$(printf 'a\\033[2J\\nb')\"", { session: "odd" });
		const found = async () => (await computer.processes.list()).find(({ command }) => command.startsWith("sh -c sleep 100042"));
		await expect.poll(found).toBeDefined();
		expect((await found())?.command).toBe("sh -c sleep 100042; : a\ufffd[2J\ufffdb");
		await computer.commands.kill(running.id, { graceMs: 0 });
	});

	test("listening ports, with who listens", async () => {
		await serveInGuest(subject.computer, 9011, "cat");
		const listening = (await subject.computer.processes.ports()).find(({ port }) => port === 9011);
		expect(listening).toMatchObject({ uid: 0, program: expect.stringMatching(/^(perl|nc)$/) });
		const server = (await subject.computer.processes.list()).find(({ pid }) => pid === listening?.pid);
		expect(server?.command).toContain("9011");
	});

	test("tools: where they are, versions when asked", async () => {
		const tools = await subject.computer.tools();
		expect(tools.length).toBeGreaterThan(0);
		for (const tool of tools)
			expect(tool).toEqual({ name: expect.any(String), path: expect.stringMatching(`^/.*/${tool.name.replaceAll("+", "\\+")}$`) });
		const asked = await subject.computer.tools({ versions: true });
		expect(asked.map(({ path }) => path)).toEqual(tools.map(({ path }) => path));
		expect(asked.find(({ name }) => name === "tar")?.version).toMatch(/^\d+\.\d+/);
	});
});
