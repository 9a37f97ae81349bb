import { findComputer, listComputers } from "lms-computer";
import { describe, expect, test } from "vitest";
import { MATRIX } from "../support/drivers.js";
import { guestNamespaces, killMachine, processesIn, removeMachine, startHolder, traces } from "../support/outside.js";
import { expectError, guestArguments, news, output } from "../support/suite.js";

// Every test has a computer of its own: these are about computers that come and go.
describe.for(MATRIX)("$title", (target) => {
	const { driver } = target;

	describe.skipIf(target.skip !== undefined)("lifecycle", () => {
		test("opened twice at once in one process: one machine", async () => {
			const [one, two] = await Promise.all([target.open("twice"), target.open("twice")]);
			expect((await one.inspect()).id).toBe((await two.inspect()).id);
			await one.exec("shared=yes");
			expect((await two.exec("echo $shared")).stdout).toBe("yes\n");
			expect((await listComputers({ driver })).filter(({ name }) => name === one.name).length).toBe(1);
			await one.close();
			expect((await two.exec("echo $shared")).stdout).toBe("yes\n");
			await expectError(one.exec("echo"), "invalid_argument");
		});

		test("37. Two processes open the same computer at once: one machine", async () => {
			const options = { ...target.options, name: target.computerName("processes") };
			const command = "n=$((n+1)); echo $n";
			const holders = [startHolder(options, command), startHolder(options, command)];
			const machines = await Promise.all(holders.map((holder) => holder.line<string>("machine")));
			expect(machines[0]).toBe(machines[1]);
			const results = await Promise.all(holders.map((holder) => holder.line<{ stdout: string }>("result")));
			expect(results.map(({ stdout }) => stdout).sort()).toEqual(["1\n", "2\n"]);
			await Promise.all(holders.map((holder) => holder.exited));
			const computer = await target.open("processes");
			expect((await computer.exec("echo $n")).stdout).toBe("2\n");
		});

		test("stopped, the next command starts it again: files are kept, and a notice says so", async () => {
			const computer = await target.open("stopped");
			await computer.exec("plain=1; echo kept >kept; echo kept >/etc/kept");
			await computer.stop();
			expect((await computer.inspect()).state).toBe("stopped");
			expect(await news(computer)).toEqual([]);
			expect(await computer.exec('cat kept /etc/kept; echo "[$plain]"')).toMatchObject({ stdout: "kept\nkept\n[]\n", stderr: "" });
			expect(await news(computer)).toEqual([expect.stringContaining("stopped")]);
			await computer.stop();
			await computer.stop();
			await computer.start();
			expect((await computer.inspect()).state).toBe("running");
		});

		test("closed and opened again: the same shell, directory, variable and background process", async () => {
			const before = await target.open("reopened");
			await before.exec("cd /etc; variable=kept; sleep 100041 & echo started");
			const shell = await output(before, "echo $$", "main");
			await before.close();
			await before.close();
			const after = await target.open("reopened");
			expect((await after.exec("echo $$ $variable $PWD")).stdout).toBe(`${shell} kept /etc\n`);
			expect(await guestArguments(after)).toContain("100041");
			expect(await news(after)).toEqual([]);
		});

		test("removed: no container, process, cgroup, mount, socket or file is left; again is fine", async () => {
			const computer = await target.open("removed");
			await computer.exec("setsid sleep 100042 & echo x >file");
			const { pid } = await guestNamespaces(computer);
			const words = [computer.name, (await computer.inspect()).id];
			const ran = await processesIn(pid);
			expect(ran.length).toBeGreaterThan(2);
			expect(await traces(computer, words)).not.toEqual([]);
			const other = await findComputer({ name: computer.name, driver });
			await computer.remove();
			// Without a cgroup of its own, as an ordinary user's Podman has none, the kernel ends them one after the other.
			// The kernel gives the namespace's number to the next one that is made, whoever makes it: it is these that are to be gone.
			await expect.poll(async () => (await processesIn(pid)).filter((one) => ran.includes(one)), { timeout: 5_000 }).toEqual([]);
			expect(await traces(computer, words)).toEqual([]);
			await computer.remove();
			await other?.remove();
			expect(await findComputer({ name: computer.name, driver })).toBeUndefined();
			await expectError(computer.exec("echo"), "invalid_argument");
		});

		test("33. The machine removed from outside: recreated with a notice", async () => {
			const computer = await target.open("vanished");
			await computer.exec("echo old >file");
			await removeMachine(computer);
			// The call that meets the loss may fail with a typed error; the one after it works.
			const first = await computer.exec("ls; echo on").catch((error: unknown) => error);
			if (first instanceof Error)
				expect(first).toMatchObject({ code: expect.stringMatching(/^(connection_lost|machine_gone)$/), retryable: true });
			expect((await computer.exec("ls; echo on")).stdout).toBe("on\n");
			expect(await news(computer)).toEqual([expect.stringContaining("made anew")]);
		});

		test("removed from outside: one that was found, not opened, is machine_gone", async () => {
			const computer = await target.open("found");
			const found = await findComputer({ name: computer.name, driver });
			expect((await found?.exec("echo found"))?.stdout).toBe("found\n");
			await computer.remove();
			const first = await found?.exec("echo").catch((error: unknown) => error);
			expect(first).toMatchObject({ code: expect.stringMatching(/^(connection_lost|machine_gone)$/) });
			await expectError(found?.exec("echo") ?? Promise.resolve(), "machine_gone");
			await found?.close();
		});

		test("the machine killed in the middle of a command: a typed error at once, the next call starts it again with its files", async () => {
			const computer = await target.open("killed");
			await computer.exec("echo kept >kept");
			const running = computer.spawn("sleep 100043", { session: "running" });
			const { result } = await running;
			await killMachine(computer);
			await expect(result).rejects.toMatchObject({ code: expect.stringMatching(/^(connection_lost|machine_gone)$/), retryable: true });
			expect((await computer.exec("cat kept")).stdout).toBe("kept\n");
			expect(await news(computer)).toEqual([expect.stringContaining("started")]);
			expect(await guestArguments(computer)).not.toContain("100043");
		});

		test("find makes nothing", async () => {
			expect(await findComputer({ name: target.computerName("never"), driver })).toBeUndefined();
			expect((await listComputers({ driver })).map(({ name }) => name)).not.toContain(target.computerName("never"));
		});

		test("a start whose onProgress throws leaves nothing behind", async () => {
			const opening = target.open("thrown", {
				onProgress: () => {
					throw new Error("mine");
				},
			});
			await expect(opening).rejects.toThrow("mine");
			expect(await findComputer({ name: target.computerName("thrown"), driver })).toBeUndefined();
		});

		test("a start that is aborted leaves nothing behind", async () => {
			const controller = new AbortController();
			const opening = target.open("aborted", { signal: controller.signal, onProgress: () => controller.abort() });
			await expectError(opening, "canceled");
			expect(await findComputer({ name: target.computerName("aborted"), driver })).toBeUndefined();
		});
	});
});
