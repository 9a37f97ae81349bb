import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { type Computer, findComputer, listComputers } from "lms-computer";
import { beforeAll, describe, expect, test } from "vitest";
import { stateDirectory } from "../../packages/computer/src/drivers/state-directory.js";
import { DRIVERS, type Target } from "../support/drivers.js";
import { fromRoot } from "../support/repository.js";
import { expectError, output } from "../support/suite.js";

/** Kind, mode, owner and content of what the tests change and more. Engines put an /etc/hosts of their own into each container. */
const PLACES = "/home /root /srv /opt/lms /etc /var/tmp -xdev ! -path /etc/hosts";
const LISTING = `{
	find ${PLACES} -exec stat -c '%f %u %g %n' {} +
	find ${PLACES} -type f -exec sha256sum {} +
	find ${PLACES} -type l -exec readlink {} +
} | sort`;
const listing = (computer: Computer) => output(computer, `${LISTING} | sha256sum`);

const MAKE = `mkdir -p work/deep/er gone /opt/lms && cd work
for i in $(seq 1000); do echo "$i" > "f$i"; done
echo secret > private && chmod 600 private && ln -s private link && ln f1 hard && chmod 751 deep && echo x > deep/er/x
printf 'odd' > 'a b\n	é' && echo root > /root/r && echo etc > /etc/made`;
const CHANGE = `cd ~/work
for i in $(seq 300); do echo changed > "f$i"; done
for i in $(seq 301 600); do rm "f$i"; done
for i in $(seq 400); do echo new > "new$i"; done
chmod 644 private; rm link; ln -s f2 link; rm -r deep ../gone; echo y > deep; rm /root/r; echo more >> /etc/made; mkdir -p /opt/lms/new/dir`;

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined || !target.capabilities.checkpoints)("checkpoints", () => {
		let computer: Computer;
		beforeAll(async () => {
			computer = await target.open("checkpoints");
		});

		test("a thousand changed files come back as they were, with kind, mode, owner and links", async () => {
			await output(computer, MAKE);
			const before = await listing(computer);
			const made = await computer.checkpoint("before the change");
			expect(made).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{12}$/), label: "before the change" });
			expect(Math.abs(made.createdAt - Date.now())).toBeLessThan(60_000);
			await output(computer, CHANGE);
			expect(await listing(computer)).not.toBe(before);
			await computer.rollback(made.id);
			expect(await listing(computer)).toBe(before);
			expect(await output(computer, "cd ~/work; [ f1 -ef hard ] && stat -c %h f1")).toBe("2");
			expect(computer.notices.at(-1)).toMatch(/rolled back to the checkpoint "before the change": programs that ran have ended/);
		});

		test("what runs goes on when a checkpoint is made, and ends with a rollback", async () => {
			const running = await computer.spawn("echo begun; sleep 100061 & wait", { session: "running" });
			const { id } = await computer.checkpoint();
			expect((await computer.commands.list()).find((one) => one.id === running.id)?.running).toBe(true);
			const ended = expect(running.result).rejects.toMatchObject({ code: "connection_lost" });
			await computer.rollback(id);
			await ended;
			expect(await output(computer, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).not.toContain("100061");
		});

		test("another holder of the computer goes on with the machine of after", async () => {
			const other = await findComputer({ name: computer.name, driver: computer.driver });
			if (other === undefined) throw new Error("it is there");
			try {
				await output(other, "echo before > ~/seen");
				const { id } = await computer.checkpoint();
				await output(other, "echo after > ~/seen");
				await computer.rollback(id);
				await expect.poll(() => output(other, "cat ~/seen").catch((error) => error.code)).toBe("before");
				expect((await other.checkpoints()).map((one) => one.id)).toContain(id);
			} finally {
				await other.close();
			}
		});

		test("diff is exact: added, changed by content, mode, target or kind, deleted", { timeout: 90_000 }, async () => {
			await output(
				computer,
				"mkdir -p ~/d/sub && cd ~/d && echo one > same-size && echo x > mode && ln -s a link && echo k > kind && echo x > sub/x",
			);
			await output(computer, "cd ~/d && touch touched same && rm -f /etc/made");
			const { id } = await computer.checkpoint();
			expect(await computer.diff(id)).toEqual({ added: [], changed: [], deleted: [] });
			await output(
				computer,
				`cd ~/d && cp -p same-size /tmp/ref && echo two > same-size && touch -r /tmp/ref same-size && chmod 700 mode
				ln -sfn b link && rm kind && mkdir kind && rm -r sub && touch touched && echo new > "n w" && mkdir -p /opt/lms-new/x && mv same /root/moved
				touch /tmp/not-part`,
			);
			expect(await computer.diff(id)).toEqual({
				added: ["/home/user/d/n w", "/opt/lms-new", "/opt/lms-new/x", "/root/moved"],
				changed: ["/home/user/d/kind", "/home/user/d/link", "/home/user/d/mode", "/home/user/d/same-size"],
				deleted: ["/home/user/d/same", "/home/user/d/sub", "/home/user/d/sub/x"],
			});
		});

		test("a fork has the files of then or of now, and both go their own ways", async () => {
			await output(computer, "echo then > ~/which");
			const { id } = await computer.checkpoint();
			await output(computer, "echo now > ~/which");
			const ofThen = await adopt(target, "fork-then", (name) => computer.fork(id, name));
			const ofNow = await adopt(target, "fork-now", (name) => computer.fork(undefined, name));
			expect([await output(ofThen, "cat ~/which"), await output(ofNow, "cat ~/which")]).toEqual(["then", "now"]);
			await output(ofThen, "echo fork > ~/which; touch ~/of-fork");
			await output(computer, "touch ~/of-origin");
			expect(await output(computer, "cat ~/which; ls ~/of-fork 2>/dev/null || true")).toBe("now");
			expect(await output(ofThen, "cat ~/which; ls ~/of-origin 2>/dev/null || true")).toBe("fork");
			expect(await ofThen.checkpoints()).toEqual([]);
			await expectError(ofThen.rollback(id), "not_found");
			await expectError(computer.fork(undefined, ofThen.name), "already_exists");
			// It lives on without what it was forked from.
			await computer.removeCheckpoint(id);
			await ofThen.stop();
			expect(await output(ofThen, "cat ~/which")).toBe("fork");
			expect((await listComputers({ driver: target.driver })).filter(({ name }) => name === ofThen.name)).toHaveLength(1);
		});

		test("a fork does what its origin's opener asked for: limits of calls, and secrets whose values no file has", {
			timeout: 60_000,
		}, async () => {
			const origin = await target.open("asked", {
				timeoutMs: 700,
				secrets: [{ name: "API_KEY", host: "api.example.com", value: "not in a file" }],
			});
			const fork = await origin.fork(undefined, target.computerName("asked-fork"));
			expect(await fork.exec("sleep 30")).toMatchObject({ timedOut: true });
			expect((await fork.network()).secrets).toMatchObject([{ name: "API_KEY", known: true }]);
			await fork.remove();
		});

		test("of two forks to one name at once one is refused, and nothing is left of it, whatever rights its files have", async () => {
			const from = await target.open("forked-twice");
			await output(from, "mkdir -p ~/d/e && echo x >~/d/e/f && chmod 000 ~/d/e");
			const name = target.computerName("fork-once");
			const forks = await Promise.allSettled([from.fork(undefined, name), from.fork(undefined, name)]);
			for (const fork of forks) if (fork.status === "fulfilled") await fork.value.remove();
			expect(forks.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
			expect(forks.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "already_exists" } });
			expect(await kept(target, [name])).toEqual([]);
			await from.remove();
		});

		test("what is no checkpoint of this computer is not_found", async () => {
			const { id } = await computer.checkpoint();
			await computer.removeCheckpoint(id);
			for (const wrong of [id, "000000000000", "../../etc", "", "x".repeat(10_000)]) {
				await expectError(computer.rollback(wrong), "not_found");
				await expectError(computer.removeCheckpoint(wrong), "not_found");
				await expectError(computer.fork(wrong, target.computerName("never")), "not_found");
				await expectError(computer.diff(wrong), "not_found");
			}
			await expectError(computer.checkpoint("x".repeat(201)), "invalid_argument");
			await expectError(computer.fork(undefined, "No Name"), "invalid_argument");
			await expectError(computer.fork(undefined, "diff-0123456789ab"), "invalid_argument");
			// Nothing was disturbed by that.
			expect(await output(computer, "echo on")).toBe("on");
		});

		test("the oldest go beyond a count or a size, the one in use and the newest stay", async () => {
			const pruned = await target.open("pruned");
			const ids: string[] = [];
			for (let i = 0; i < 4; i++) ids.push((await pruned.checkpoint(`n${i}`, { maxCount: 3 })).id);
			const kept = async () => (await pruned.checkpoints()).map((one) => one.id);
			expect(await kept()).toEqual(ids.slice(1));
			await pruned.rollback(ids[1] as string);
			await output(pruned, "head -c 100000 /dev/urandom > ~/much");
			const fifth = await pruned.checkpoint('label\n"$x" é', { maxCount: 2 });
			expect(await kept()).toEqual([ids[1], fifth.id]);
			expect((await pruned.checkpoints()).at(-1)?.label).toBe('label\n"$x" é');
			const last = await pruned.checkpoint("", { maxBytes: 0 });
			expect(await kept()).toEqual([ids[1], last.id]);
		});

		test("what another holder has removed is gone, for a fork and a checkpoint as well", async () => {
			const gone = await target.open("removed");
			await (await findComputer({ name: gone.name, driver: target.driver }))?.remove();
			await expectError(gone.fork(undefined, target.computerName("fork-of-none")), "machine_gone");
			await expectError(gone.checkpoint(), "machine_gone");
			await gone.close();
		});

		test("nothing is left of them when the computer is removed", async () => {
			const doomed = await target.open("doomed");
			const { id } = await doomed.checkpoint("a");
			await doomed.rollback(id);
			await doomed.checkpoint("b");
			const fork = await adopt(target, "doomed-fork", (name) => doomed.fork(id, name));
			await fork.checkpoint("c");
			await doomed.remove();
			await expect(output(fork, "echo on")).resolves.toBe("on");
			await fork.remove();
			expect(await kept(target, [doomed.name, fork.name])).toEqual([]);
		});

		test("killed anywhere in a rollback, there is one machine of before or after, and the next rollback succeeds", {
			timeout: 180_000,
		}, async () => {
			const name = "killed";
			const computer = await target.open(name);
			await output(computer, "mkdir -p ~/k; for i in $(seq 50); do echo old > ~/k/$i; done");
			const { id } = await computer.checkpoint();
			const change = "for i in $(seq 50); do echo new > ~/k/$i; done";
			// Of an engine each of its requests is lost once in test/drivers/engine-cut.test.ts.
			for (const delayMs of target.driver === "namespace" ? [5, 25, 60, 120, 200, 300, 450] : [60, 300]) {
				await output(computer, change);
				await rollBackKilled(computer, id, delayMs);
				const found = await target.open(name);
				const seen = await output(found, "sort -u ~/k/*; ls ~/k | wc -l");
				expect(seen).toMatch(/^(old|new)\n50$/);
				// A handle of before has the same one.
				expect(await output(computer, "sort -u ~/k/*; ls ~/k | wc -l")).toBe(seen);
				await found.close();
				expect((await listComputers({ driver: target.driver })).filter((one) => one.name === computer.name)).toHaveLength(1);
			}
			await output(computer, change);
			await computer.rollback(id);
			expect(await output(computer, "sort -u ~/k/*")).toBe("old");
			await computer.remove();
			expect(await kept(target, [computer.name])).toEqual([]);
		});
	});
});

/** A computer that `open` will find and remove after the tests. */
async function adopt(target: Target, name: string, make: (name: string) => Promise<Computer>): Promise<Computer> {
	await (await make(target.computerName(name))).close();
	return await target.open(name);
}

async function rollBackKilled(computer: Computer, id: string, delayMs: number): Promise<void> {
	const options = JSON.stringify({ name: computer.name, driver: computer.driver });
	const child = spawn(process.execPath, [fromRoot("test/support/rollback.mjs"), options, id], {
		cwd: fromRoot("."),
		stdio: ["ignore", "pipe", "inherit"],
	});
	const exited = once(child, "exit");
	const begun = await Promise.race([once(child.stdout, "data"), exited]);
	if (child.exitCode !== null) throw new Error(`the rollback ended before it began: ${begun}`);
	await setTimeout(delayMs);
	child.kill("SIGKILL");
	await exited;
}

/** What the host still has of these computers: containers, images, directories. */
async function kept(target: Target, names: readonly string[]): Promise<string[]> {
	if (target.driver === "namespace") {
		const entries = await readdir(join(stateDirectory(), "namespace"));
		return entries.filter((entry) => names.some((name) => entry.includes(name)));
	}
	const lines = names.flatMap((name) =>
		[
			["ps", "--all", "--quiet"],
			["images", "--all", "--quiet"],
		].map(async (argv) => (await promisify(execFile)(target.driver, [...argv, "--filter", `label=lms-computer.name=${name}`])).stdout),
	);
	return (await Promise.all(lines)).flatMap((text) => text.split("\n").filter((line) => line !== ""));
}
