import { chown, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { expectError, output } from "../support/suite.js";

/** Somebody who is not who runs the tests, where that is root: the folder's owner. */
const OWNER = process.getuid?.() === 0 ? 1234 : (process.getuid?.() ?? 0);

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("shared folders", () => {
		let base: string;
		let made: number;
		const place = (...names: string[]) => join(base, ...names);

		beforeAll(async () => {
			base = await realpath(await mkdtemp(join(tmpdir(), "lms-folders-")));
			for (const name of ["work", "read", "outer", "outer/inner", "private"]) {
				await mkdir(place(name));
				if (process.getuid?.() === 0) await chown(place(name), OWNER, OWNER);
			}
			await writeFile(place("work", "from-host"), "from the host\n");
			await writeFile(place("read", "file"), "read only\n");
			await writeFile(place("private", "key"), "secret\n");
			await mkdir(place("outer", "of-root"));
			made = Date.now();
		});
		afterAll(async () => await rm(base, { recursive: true, force: true }));

		const open = (name = "folders") =>
			target.open(name, {
				folders: [
					{ hostPath: place("work"), dangerous: true },
					{ hostPath: place("read"), guestPath: "/mnt/read", readOnly: true },
				],
			});
		const ownerOf = async (name: string) => (await stat(place("work", name))).uid;

		test("are refused where the capabilities say so", async ({ skip }) => {
			if (target.capabilities.sharedFolders) skip("this driver shares folders");
			await expectError(open("refused"), "not_supported");
		});

		test("both sides see what the other one writes", async () => {
			const computer = await open();
			expect((await computer.exec("cat /mnt/shared/from-host; echo from the guest >/mnt/shared/from-guest")).stdout).toBe(
				"from the host\n",
			);
			expect(await readFile(place("work", "from-guest"), "utf8")).toBe("from the guest\n");
		});

		test("what programs of the host run without asking is told of when it was put there, once", async () => {
			const computer = await open();
			const before = computer.notices.length;
			await computer.exec(
				"cd /mnt/shared && mkdir -p .git/hooks && echo x >.git/hooks/some.sample && ln -s /etc .cursor && echo x >ordinary",
			);
			expect(computer.notices.slice(before)).toEqual([expect.stringContaining(place("work", ".git")), expect.stringContaining(".cursor")]);
			await computer.exec("cd /mnt/shared && echo x >.git/hooks/post-commit && echo x >.git/index");
			expect(computer.notices.slice(before + 2)).toEqual([expect.stringContaining(place("work", ".git", "hooks"))]);
			await computer.exec("cd /mnt/shared && touch -d 2001-01-01 .git/hooks/post-commit && rm .cursor && echo x >.envrc");
			expect(computer.notices.slice(before + 3).map((notice) => notice.split(",")[0])).toEqual([
				place("work", ".envrc"),
				place("work", ".git", "hooks"),
			]);
			await computer.exec("rm -r /mnt/shared/.git /mnt/shared/.envrc /mnt/shared/ordinary; echo x >/mnt/read/.envrc");
			expect(computer.notices).toHaveLength(before + 5);
		});

		test("so it is after a rebuild with a folder, of what a program does whose output is read, and of what a job did before a setting is changed", async () => {
			const computer = await target.open("planting", { folders: [] });
			await mkdir(place("later"));
			await writeFile(place("later", ".npmrc"), "of the host\n");
			await computer.rebuild({ folders: [{ hostPath: place("later"), dangerous: true }] });
			const before = computer.notices.length;
			const told = () => computer.notices.slice(before).map((notice) => notice.split(",")[0]);
			await computer.exec("echo x >/mnt/shared/.envrc");
			expect(told()).toEqual([place("later", ".envrc")]);
			const program = await computer.spawn("echo x >/mnt/shared/.profile");
			await program.result;
			await expect.poll(told).toEqual([place("later", ".envrc"), place("later", ".profile")]);
			const job = await computer.commands.start("echo x >/mnt/shared/.zshrc");
			await computer.commands.wait(job.id);
			await computer.reconfigure({ idleStopMs: 600_000 });
			expect(told().slice(2)).toContain(place("later", ".zshrc"));
		});

		test("one that is read-only can not be written, nor made writable", async () => {
			const computer = await open();
			const { stdout, exitCode } = await computer.exec("cat /mnt/read/file; echo x >/mnt/read/file || echo x >/mnt/read/new");
			expect(stdout).toBe("read only\n");
			expect(exitCode).not.toBe(0);
			expect((await computer.exec("mount -o remount,rw /mnt/read")).exitCode).not.toBe(0);
			await expectError(computer.files.write("/mnt/read/new", "x"), "permission_denied");
			expect(await readFile(place("read", "file"), "utf8")).toBe("read only\n");
		});

		test("what a command makes is the folder's owner's: files, folders in folders, links, what was put in place of something", async () => {
			const computer = await open();
			const commands = "mkdir -p a/b/c; echo 1 >a/b/c/file; ln -s /etc/passwd link; echo 2 >from-host.new; mv from-host.new from-host";
			expect((await computer.exec(`cd /mnt/shared; ${commands}`)).exitCode).toBe(0);
			for (const name of ["a", "a/b", "a/b/c", "a/b/c/file", "from-host"]) expect([name, await ownerOf(name)]).toEqual([name, OWNER]);
			// The link itself; never what it leads to.
			expect((await stat("/etc/passwd")).uid).toBe(0);
			expect(await output(computer, "stat -c %u /etc/passwd")).toBe("0");
		});

		test("what the file requests make is the owner's too, and so is what a job makes", async () => {
			const computer = await open();
			await computer.files.write("/mnt/shared/d/e/written", "x");
			await computer.files.mkdir("/mnt/shared/made");
			await computer.files.copy("/mnt/shared/d", "/mnt/shared/copied");
			const job = await computer.commands.start("echo job >/mnt/shared/of-a-job");
			await computer.commands.wait(job.id);
			for (const name of ["d", "d/e", "d/e/written", "made", "copied/e/written", "of-a-job"]) {
				expect([name, await ownerOf(name)]).toEqual([name, OWNER]);
			}
		});

		test("root's own files that were there before stay root's", async ({ skip }) => {
			if (process.getuid?.() !== 0) skip("only root can make one");
			// What is as new as the machine is taken for its own.
			await sleep(Math.max(0, made + 2_100 - Date.now()));
			const computer = await target.open("before", { folders: [place("outer")] });
			await computer.exec("echo x >/mnt/shared/new; echo y >/mnt/shared/of-root/new");
			expect((await stat(place("outer", "new"))).uid).toBe(OWNER);
			expect((await stat(place("outer", "of-root", "new"))).uid).toBe(OWNER);
			expect((await stat(place("outer", "of-root"))).uid).toBe(0);
		});

		test("29. A folder in whose place a guest has put a symlink is not followed", async () => {
			const inner = await target.open("inner", { folders: [{ hostPath: place("outer", "inner") }] });
			await inner.stop();
			const outer = await target.open("outer", { folders: [{ hostPath: place("outer") }] });
			await outer.exec(`cd /mnt/shared; rmdir inner && ln -s ${place("private")} inner`);
			await expectError(inner.start(), "invalid_argument");
			await rm(place("outer", "inner"));
			await mkdir(place("outer", "inner"));
			expect((await inner.exec("ls -A /mnt/shared; cat /mnt/shared/key")).stdout).toBe("");
		});

		test("a folder that is no longer there is told, and nothing is made in its place", async () => {
			await mkdir(place("gone"));
			const computer = await target.open("gone", { folders: [place("gone")] });
			await computer.stop();
			await rm(place("gone"), { recursive: true });
			await expectError(computer.start(), "invalid_argument");
			await expect(stat(place("gone"))).rejects.toMatchObject({ code: "ENOENT" });
			await mkdir(place("gone"));
			expect((await computer.exec("echo on")).stdout).toBe("on\n");
		});

		test("no checkpoint has it in it, and a rollback does not touch it", async ({ skip }) => {
			if (!target.capabilities.checkpoints) skip("a driver without checkpoints");
			const computer = await open();
			await computer.exec("echo before >/mnt/shared/of-now; echo before >~/of-now");
			const { id } = await computer.checkpoint();
			await computer.exec("echo after >/mnt/shared/of-now; echo after >~/of-now");
			await computer.rollback(id);
			expect((await computer.exec("cat /mnt/shared/of-now ~/of-now")).stdout).toBe("after\nbefore\n");
		});

		test("the computer goes, the folder stays", async () => {
			const computer = await open("leaving");
			await computer.exec("echo x >/mnt/shared/left");
			await computer.remove();
			expect(await readFile(place("work", "left"), "utf8")).toBe("x\n");
		});
	});
});
