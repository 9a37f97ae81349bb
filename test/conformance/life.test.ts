import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Computer, findComputer, listComputers } from "lms-computer";
import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { guestNamespaces, pauseMachine, processesIn, startHolder, traces } from "../support/outside.js";
import { fromRoot } from "../support/repository.js";
import { expectError, news, output } from "../support/suite.js";

const MIB = 1024 * 1024;

/** Waits for what comes by itself. The test's own time limit is the deadline. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
	while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function limits(computer: Computer) {
	const [{ memory, pids }, { cpus }] = await Promise.all([computer.metrics(), computer.info()]);
	return { memoryBytes: memory.limitBytes, pids: pids.limit, cpus };
}

async function rebuildKilled({ name, driver }: Computer, settings: object, delayMs: number): Promise<void> {
	const argv = [fromRoot("test/support/rebuild.mjs"), JSON.stringify({ name, driver }), JSON.stringify(settings)];
	const child = spawn(process.execPath, argv, { cwd: fromRoot("."), stdio: ["ignore", "pipe", "inherit"] });
	const exited = once(child, "exit");
	await once(child.stdout, "data");
	await new Promise((resolve) => setTimeout(resolve, delayMs));
	child.kill("SIGKILL");
	await exited;
}

// Every test has a computer of its own: these are about computers that change, come and go. Those that mostly wait do so together.
describe.for(DRIVERS)("$title", (target) => {
	const { driver } = target;
	const isThere = async (name: string) => {
		const found = await findComputer({ name, driver });
		await found?.close();
		return found !== undefined;
	};

	describe.skipIf(target.skip !== undefined)("settings", () => {
		test("other limits hold at once and after a stop; what is not named is no change", async () => {
			const computer = await target.open("live-limits", { memoryBytes: 128 * MIB, pids: 200 });
			const { capabilities } = target;
			if (!capabilities.limitMemory || !capabilities.limitPids || !capabilities.limitCpus) {
				const [told] = await computer.reconfigure({ pids: 100 });
				expect(told).toContain("could not be set");
				// One that is asked for again is refused by a notice, and the machine is none the worse.
				expect((await news(await target.open("live-limits", { pids: 100 }))).join()).toContain("could not be set");
				expect((await computer.exec("echo on")).stdout).toBe("on\n");
				return;
			}
			const again = await target.open("live-limits", { cpus: 1, memoryBytes: 160 * MIB, pids: 100 });
			expect(again.notices).toEqual([
				"cpus: 1 from now on, 2 before",
				"memory: 160 MB from now on, 128 MB before",
				"pids: 100 from now on, 200 before",
			]);
			const changed = { memoryBytes: 160 * MIB, pids: 100, cpus: 1 };
			expect(await limits(computer)).toEqual(changed);
			await computer.stop();
			expect(await limits(computer)).toEqual(changed);
			expect(await news(await target.open("live-limits"))).toEqual([]);
			expect(await computer.reconfigure({ memoryBytes: 0, pids: 0 })).toEqual([
				"memory: no limit from now on, 160 MB before",
				"pids: no limit from now on, 100 before",
			]);
			expect((await limits(computer)).pids).toBeNull();
			expect((await computer.inspect()).warnings).toEqual([]);
		});

		test("what only a rebuild changes is told exactly, and a rebuild keeps the files", async () => {
			const computer = await target.open("rebuilt");
			await computer.exec("echo kept >kept; echo kept >/etc/kept; cd /usr; export A=here; sleep 100051 &");
			const { id } = await computer.checkpoint("before");
			const again = await target.open("rebuilt", { hostname: "another", env: { SECRET: "hidden" } });
			expect(await news(again)).toEqual([
				expect.stringMatching(/^variables: this computer has .*, not .*SECRET; a rebuild changes it$/),
				"hostname: this computer has lms-computer, not another; a rebuild changes it",
			]);
			expect(again.notices.join()).not.toContain("hidden");
			await computer.rebuild({ hostname: "another", ...(target.capabilities.limitPids ? { pids: 128 } : {}) });
			expect(await output(computer, "cat ~/kept /etc/kept; hostname; echo $A $PWD", "main")).toBe("kept\nkept\nanother\nhere /usr");
			expect(await news(computer)).toEqual([expect.stringContaining("rebuilt and its files were kept")]);
			// Without a cgroup of one's own it is each process's limit.
			const { pids } = await limits(computer);
			if (target.capabilities.limitPids) expect(pids ?? Number(await output(computer, "ulimit -u"))).toBe(128);
			expect((await computer.checkpoints()).map((one) => one.id)).toEqual([id]);
			// Another holder goes on with the machine of after.
			expect((await again.exec("hostname")).stdout).toBe("another\n");
		});

		test("rebuilt without its files it is as new, with the settings that it had", async () => {
			const computer = await target.open("fresh", { hostname: "stays" });
			await computer.exec("echo gone >gone; echo gone >/etc/gone");
			await computer.rebuild({ keepFiles: false });
			expect((await computer.exec("ls -A; ls /etc/gone; hostname")).stdout).toBe("stays\n");
			expect(await news(computer)).toEqual([expect.stringContaining("its files are gone")]);
			await expectError(
				computer.rebuild({ image: "lms-test-missing:none", ...(target.capabilities.images ? {} : { hostname: "-" }) }),
				"invalid_argument",
			);
			await expectError(computer.rebuild({ keep: true } as object), "invalid_argument");
			expect((await computer.exec("hostname")).stdout).toBe("stays\n");
		});

		test("a restart ends what runs and keeps files and directories", async () => {
			const computer = await target.open("restarted");
			await computer.exec("cd /usr; plain=1; sleep 100052 & echo kept >~/kept");
			await computer.restart();
			expect((await computer.exec('cat ~/kept; echo "$PWD[$plain]"; pgrep -f 10005[2]')).stdout).toBe("kept\n/usr[]\n");
			expect(await news(computer)).toEqual([]);
		});
	});

	describe.skipIf(target.skip !== undefined)("killed", () => {
		test("anywhere in a rebuild, there is one machine with its files, and the next rebuild succeeds", { timeout: 120_000 }, async () => {
			const computer = await target.open("cut");
			await computer.exec("echo kept >~/kept");
			for (const delayMs of [100, 450]) {
				await rebuildKilled(computer, { hostname: `after-${delayMs}` }, delayMs);
				const found = await target.open("cut");
				expect((await found.exec("cat ~/kept")).stdout).toBe("kept\n");
				expect((await listComputers({ driver })).filter(({ name }) => name === computer.name)).toHaveLength(1);
				await found.close();
			}
			await computer.rebuild({ hostname: "last" });
			expect((await computer.exec("cat ~/kept; hostname")).stdout).toBe("kept\nlast\n");
		});
	});

	describe.skipIf(target.skip !== undefined)("paused from outside", () => {
		test("33. it is seen, and the next call has it go on, with what ran", async () => {
			const computer = await target.open("paused");
			const running = computer.exec("sleep 3; echo on", { session: "other" });
			await computer.exec("echo");
			const words = await pauseMachine(computer);
			if (words !== undefined) {
				// An ordinary user has no freezer everywhere; then nobody has paused it, and it goes on.
				expect(words).toMatch(/cgroup/);
				expect((await running).stdout).toBe("on\n");
				return;
			}
			const other = await findComputer({ name: computer.name, driver });
			await until(async () => (await other?.inspect())?.state === "paused");
			await new Promise((resolve) => setTimeout(resolve, 2_000));
			expect((await computer.exec("echo again")).stdout).toBe("again\n");
			expect((await running).stdout).toBe("on\n");
			expect(await news(computer)).toEqual([expect.stringContaining("was paused and goes on")]);
			// Who comes anew has it go on, too.
			await pauseMachine(computer);
			expect((await other?.exec("echo anew"))?.stdout).toBe("anew\n");
			expect(other?.notices).toEqual([expect.stringContaining("was paused and goes on")]);
			await other?.close();
		});
	});

	describe.skipIf(target.skip !== undefined)("ephemeral", () => {
		test.concurrent("lives with its last holder: nothing is left when that lets go", async () => {
			const one = await target.open("short", { persistence: "ephemeral" });
			const two = await target.open("short");
			const { pid } = await guestNamespaces(one);
			const words = [one.name, (await one.inspect()).id];
			await one.exec("echo x >file; sleep 100053 &");
			const ran = await processesIn(pid);
			await one.close();
			expect((await two.exec("cat file")).stdout).toBe("x\n");
			await two.close();
			await until(async () => !(await isThere(one.name)));
			// The engine's own record of it goes first. The number of the namespace is soon another's.
			await until(async () => (await processesIn(pid)).every((one) => !ran.includes(one)));
			await until(async () => (await traces(one, words)).length === 0);
		});

		test.concurrent("34. its host process is killed: nothing is left of it", async () => {
			const name = target.computerName("orphan");
			const holder = startHolder({ ...target.options, name, persistence: "ephemeral" }, "echo x >file; sleep 100054");
			await holder.line("machine");
			holder.kill();
			await holder.exited;
			await until(async () => !(await isThere(name)));
		});

		test.concurrent("stopped it is gone, and the next call makes it anew; restarted it keeps its files", async () => {
			const computer = await target.open("ended", { persistence: "ephemeral" });
			await computer.exec("echo x >file");
			await computer.restart();
			expect((await computer.exec("cat file")).stdout).toBe("x\n");
			await computer.rebuild({ hostname: "another" });
			expect((await computer.exec("cat file; hostname")).stdout).toBe("x\nanother\n");
			await computer.stop();
			expect(await isThere(computer.name)).toBe(false);
			expect((await computer.exec("ls; hostname")).stdout).toBe("another\n");
			expect(await news(computer)).toEqual([expect.stringContaining("files were kept"), expect.stringContaining("as ephemeral ones do")]);
		});
	});

	describe.skipIf(target.skip !== undefined)("idle", () => {
		test.concurrent("stops when nothing is done, whoever holds it, and the next call goes on where it was", async () => {
			const computer = await target.open("idle", { idleStopMs: 1500 });
			await computer.exec("cd /usr; export A=here");
			await until(async () => (await computer.inspect()).state === "stopped");
			expect((await computer.exec("echo $A $PWD")).stdout).toBe("here /usr\n");
			expect(await news(computer)).toEqual([expect.stringContaining("has been started")]);
			// Longer than the time, by itself and as a job.
			expect((await computer.exec("sleep 2; echo done")).stdout).toBe("done\n");
			const job = await computer.commands.start("sleep 2; echo kept >~/job");
			await until(async () => (await computer.inspect()).state === "stopped");
			expect((await computer.exec("cat ~/job")).stdout).toBe("kept\n");
			expect(job.running).toBe(true);
		});

		test.concurrent("its time can be changed while it runs, and lasts", async () => {
			const computer = await target.open("patient", { idleStopMs: 600_000 });
			expect(await computer.reconfigure({ idleStopMs: 1000 })).toEqual(["idle stop: after 1 s from now on, after 600 s before"]);
			await until(async () => (await computer.inspect()).state === "stopped");
			await computer.exec("echo");
			await until(async () => (await computer.inspect()).state === "stopped");
			expect(await computer.reconfigure({ idleStopMs: 0 })).toEqual(["idle stop: never from now on, after 1 s before"]);
			await computer.exec("sleep 1");
			expect(await news(await target.open("patient", { idleStopMs: 0 }))).toEqual([]);
			await computer.restart();
			expect(await news(await target.open("patient", { idleStopMs: 0 }))).toEqual([]);
		});
	});
});
