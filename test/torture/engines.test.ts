import { type Computer, findComputer, listComputers, openComputer } from "lms-computer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MATRIX } from "../support/drivers.js";
import { stopProcess } from "../support/outside.js";
import { type OwnEngine, useOwnEngine } from "../support/own-engine.js";
import { expectError, output } from "../support/suite.js";

const MB = 1_000_000;

// One shell is enough: these are about what is below the machine.
describe.for(MATRIX.filter(({ shell }) => shell === "sh"))("$title", (target) => {
	const mounts = process.getuid?.() === 0;
	describe.skipIf(target.skip !== undefined || !mounts)(
		`the engine${mounts ? "" : " (skipped: only root can mount a disk for it)"}`,
		() => {
			let engine: OwnEngine;
			let computer: Computer;
			const options = { ...target.options, name: target.computerName("engine") };
			beforeAll(async () => {
				engine = await useOwnEngine(target.driver);
				computer = await openComputer(options);
			}, 90_000);
			afterAll(async () => {
				await computer?.remove().catch(() => {});
				await engine?.remove();
			});

			test("31. The engine killed in the middle of a command: typed error, the next call recovers", { timeout: 90_000 }, async () => {
				await output(computer, "echo kept >kept");
				const running = await computer.spawn("echo begun; sleep 100131", { timeoutMs: 0 });
				for await (const chunk of running) if (chunk.text.includes("begun")) break;
				const result = running.result.catch((error: unknown) => error);
				process.kill(await engine.pid(computer), "SIGKILL");
				// The agent is reached past an engine: it is missed by who asks it for something. A machine of namespaces ends with its supervisor.
				if (target.driver !== "namespace") expect(await output(computer, "cat kept")).toBe("kept");
				// It is going, or gone.
				const away = { name: "ComputerError", code: expect.stringMatching(/^(connection_lost|driver_unavailable)$/) };
				if (target.driver === "docker") await expect(computer.inspect()).rejects.toMatchObject(away);
				await engine.again();
				// A Docker daemon begins with ending what its predecessor left running.
				if (target.driver === "podman") await running.kill();
				else expect(await result).toMatchObject({ name: "ComputerError", code: "connection_lost", retryable: true });
				expect((await computer.exec("cat kept")).stdout).toBe("kept\n");
			});

			test("31. The engine killed in the middle of a start: the next call has a machine with its files", { timeout: 90_000 }, async () => {
				await output(computer, "echo kept >kept");
				// One that was killed a moment ago may break the next request, too.
				await expect.poll(() => computer.inspect().catch(() => undefined), { timeout: 30_000 }).toBeDefined();
				await computer.stop();
				const starting = output(computer, "true").catch((error: unknown) => error);
				await new Promise((resolve) => setTimeout(resolve, 120));
				const pid = await engine.pid(computer).catch(() => 0);
				if (pid > 1) process.kill(pid, "SIGKILL");
				await engine.again();
				// It was quicker, or says how it failed.
				const outcome = await starting;
				if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "ComputerError" });
				// A machine that was there already can be found lost by the call itself.
				await expect.poll(() => output(computer, "cat kept").catch(() => ""), { timeout: 30_000 }).toBe("kept");
			});

			test("32. The engine stopped by SIGSTOP: every call meets its deadline, and goes on after it", { timeout: 120_000 }, async () => {
				await output(computer, "echo up");
				// Podman's service comes back for who asks it for something.
				await computer.inspect();
				const pid = await engine.pid(computer);
				expect(pid).toBeGreaterThan(1);
				await stopProcess(pid);
				try {
					const calls = await Promise.all([
						computer.exec("sleep 100132", { timeoutMs: 300 }).catch((error: unknown) => error),
						computer.exec("echo", { session: "other", signal: AbortSignal.timeout(300) }).catch((error: unknown) => error),
						computer.inspect({ signal: AbortSignal.timeout(300) }).catch((error: unknown) => error),
					]);
					// The agent answers without it; what is asked of an engine itself is given up.
					for (const [index, call] of calls.entries()) {
						if (call instanceof Error) expect(call, `call ${index}`).toMatchObject({ name: "ComputerError" });
						else if (index === 2) expect(target.driver).toBe("namespace");
					}
				} finally {
					process.kill(pid, "SIGCONT");
				}
				expect((await computer.exec("cat kept")).stdout).toBe("kept\n");
			});

			test("36. The host's disk full: no corruption, the error says so, and room is all it takes", { timeout: 90_000 }, async () => {
				await computer.files.write("/root/old", "old");
				const full = await computer.exec("dd if=/dev/zero of=/root/fill bs=1M count=400");
				expect(full).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/[Nn]o space left/) });
				await expectError(computer.files.write("/root/old", Buffer.alloc(5 * MB, "new")), "disk_full");
				expect(String(await computer.files.read("/root/old"))).toBe("old");
				const next = target.computerName("engine-full");
				const opened = await openComputer({ ...options, name: next }).catch((error: unknown) => error);
				expect(opened).toMatchObject({ name: "ComputerError", code: "disk_full" });
				// The agent and its shell need no disk.
				expect((await computer.exec("echo on; rm /root/fill")).stdout).toBe("on\n");
				await computer.files.write("/root/old", Buffer.alloc(5 * MB, "new"));
				expect((await computer.files.stat("/root/old")).size).toBe(5 * MB);
				expect(await findComputer({ name: next, driver: target.driver })).toBeUndefined();
				expect((await listComputers({ driver: target.driver })).map(({ name }) => name)).toEqual([computer.name]);
			});
		},
	);
});
