import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { findComputer, openComputer } from "lms-computer";
import { expect, test } from "vitest";
import { stateDirectory } from "../../packages/computer/src/drivers/state-directory.js";
import { guestNamespaces, processesIn } from "../support/outside.js";
import { output, suite } from "../support/suite.js";

suite("torture-state", (subject) => {
	test("26. A write through a symlink swapped in the middle: the old or the new content, nothing between, never elsewhere", async () => {
		const { computer } = subject;
		await subject.sh("mkdir -p /tmp/swap/a /tmp/swap/b; printf old >/tmp/swap/a/f; printf old >/tmp/swap/b/f; ln -s a /tmp/swap/link");
		const swapping = await computer.spawn("cd /tmp/swap; while :; do ln -sfn b link; ln -sfn a link; rm -f link; ln -s a link; done", {
			session: "swapper",
			timeoutMs: 0,
		});
		for (let turn = 0; turn < 100; turn++) {
			// While there is no link, a folder of that name may be made in its place, or the swapper may win.
			await computer.files.write("/tmp/swap/link/f", Buffer.alloc(20_000, `${turn % 10}`)).catch((error) => {
				expect(error).toMatchObject({ name: "ComputerError" });
			});
			for (const place of ["a", "b"]) {
				const text = String(await computer.files.read(`/tmp/swap/${place}/f`));
				expect(text === "old" || /^(\d)\1{19999}$/.test(text), text.slice(0, 20)).toBe(true);
			}
		}
		await computer.commands.kill(swapping.id, { graceMs: 0 });
		await swapping.result;
		expect(await subject.sh("find /tmp/swap -name '.lms*' | wc -l")).toBe("0");
	});

	test("33. The machine paused from outside: a call waits or fails in time, and it is resumed", async ({ skip }) => {
		const { driver } = subject.target;
		if (driver === "namespace") skip("nobody but its supervisor can pause a machine of namespaces, and it lets go when who asked is gone");
		await subject.computer.exec("echo kept >paused");
		await promisify(execFile)(driver, ["pause", `lms-computer-${subject.computer.name}`]);
		const held = await subject.computer.exec("echo", { signal: AbortSignal.timeout(500) }).catch((error: unknown) => error);
		expect(held).toMatchObject({ code: "canceled" });
		// Whoever opens it has it go on.
		const again = await openComputer({ ...subject.target.options, name: subject.computer.name });
		expect(await output(again, "cat paused")).toBe("kept");
		expect((await subject.computer.exec("cat paused")).stdout).toBe("kept\n");
		await again.close();
	});

	test.each([
		["empty", ""],
		["truncated", '{"schema":1,"na'],
		["of a newer schema", '{"schema":99}'],
	])("35. State files that are %s: the computer is found, nothing else is lost", async (_, content) => {
		const { computer, target } = subject;
		await subject.sh("echo kept >/root/kept");
		const hint = join(stateDirectory(), "last-driver", computer.name);
		mkdirSync(dirname(hint), { recursive: true });
		writeFileSync(hint, content);
		const found = await findComputer({ name: computer.name });
		expect(found?.driver).toBe(target.driver);
		expect(found && (await output(found, "cat /root/kept"))).toBe("kept");
		await found?.close();
		const journals = join(stateDirectory(), "journal");
		const journal = (readableNames(journals) ?? []).find((name) => name.startsWith(computer.name));
		if (journal !== undefined) writeFileSync(join(journals, journal), content);
		expect(await subject.sh("cat /root/kept")).toBe("kept");
	});

	test("35. A machine's record that can not be read: said, kept aside or removed on request, never taken for a computer", async ({
		skip,
	}) => {
		const { target } = subject;
		if (target.driver !== "namespace") skip("an engine keeps the records of its containers itself");
		const broken = await target.open("broken");
		await broken.files.write("/root/kept", "kept");
		await broken.stop();
		const record = join(stateDirectory(), "namespace", broken.name, "machine.json");
		const good = readFileSync(record);
		for (const content of ["", '{"schema":1,"na', '{"schema":99,"spec":{}}']) {
			writeFileSync(record, content);
			const found = await findComputer({ name: broken.name, driver: "namespace" });
			expect((await found?.inspect())?.state).toBe("broken");
			await found?.close();
			await expect(openComputer({ ...target.options, name: broken.name })).rejects.toMatchObject({
				code: "machine_failed",
				message: expect.stringContaining("can not be read"),
			});
			await expect(broken.exec("echo on")).rejects.toMatchObject({ code: "machine_failed" });
		}
		writeFileSync(record, good);
		expect((await broken.exec("cat /root/kept")).stdout).toBe("kept");
	});

	test("35. A machine whose record is away for a moment, as while somebody else removes it and makes another: it is not removed", async ({
		skip,
	}) => {
		const { target } = subject;
		if (target.driver !== "namespace") skip("an engine keeps the records of its containers itself");
		const before = await target.open("moment");
		await before.files.write("/root/kept", "kept");
		await before.stop();
		const record = join(stateDirectory(), "namespace", before.name, "machine.json");
		renameSync(record, `${record}.away`);
		setTimeout(() => renameSync(`${record}.away`, record), 50);
		const again = await openComputer({ ...target.options, name: before.name });
		expect(await again.files.readText("/root/kept")).toBe("kept");
		await again.close();
	});

	test("38. 100 sessions, cycles of open-exec-close: descriptors, listeners, processes and connections back to the start", {
		timeout: 120_000,
	}, async () => {
		const { computer, target } = subject;
		const options = { ...target.options, name: computer.name };
		const cycle = async () => {
			const one = await openComputer(options);
			await one.exec("echo");
			await one.close();
		};
		const pid = (await guestNamespaces(computer)).pid;
		// First use makes what stays: a pool, a connection, a shell.
		for (let i = 0; i < 3; i++) await cycle();
		const count = () => ({
			descriptors: readdirSync("/proc/self/fd").length,
			signals: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
		});
		const agent = async () => Number(await subject.sh("ls /proc/1/fd | wc -l"));
		const before = { ...count(), agent: await agent(), inside: (await processesIn(pid)).length };
		const names = Array.from({ length: 100 }, (_, i) => `leak-${i}`);
		await Promise.all(names.map((session) => computer.exec("echo", { session, timeoutMs: 60_000 })));
		await Promise.all(names.map((session) => computer.sessions.remove(session)));
		for (let i = 0; i < 20; i++) await cycle();
		// Less is fine: a connection of before may have been on its way out.
		const more = async () => {
			const now = { ...count(), agent: await agent(), inside: (await processesIn(pid)).length };
			return Object.entries(now).filter(([what, number]) => number > before[what as keyof typeof now]);
		};
		await expect.poll(more, { timeout: 10_000 }).toEqual([]);
	});
});

function readableNames(directory: string): string[] | undefined {
	try {
		return readdirSync(directory);
	} catch {
		return undefined;
	}
}
