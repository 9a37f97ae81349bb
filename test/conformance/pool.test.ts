import { spawn } from "node:child_process";
import { once } from "node:events";
import { listComputers, openComputer } from "lms-computer";
import { afterEach, describe, expect, test } from "vitest";
import { drainPools, readySpares } from "../../packages/computer/src/pool.js";
import { DRIVERS, type Target } from "../support/drivers.js";
import { fromRoot } from "../support/repository.js";

afterEach(drainPools);

const options = (target: Target, size: number) => ({ ...target.options, persistence: "ephemeral", pool: { size } }) as const;
const filled = async (count: number) => await expect.poll(readySpares, { timeout: 25_000, interval: 50 }).toBe(count);

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		test("a computer from the pool is one like any other: by its name, for other holders, after a restart", async () => {
			await target.open("first", options(target, 1));
			await filled(1);
			const computer = await target.open("second", { ...options(target, 1), env: {} });
			expect(await computer.history()).toContainEqual(expect.objectContaining({ text: `created with ${target.driver}, from the pool` }));
			expect((await computer.exec("cd /tmp; echo kept > ~/file; pwd")).stdout).toBe("/tmp\n");
			await using other = await openComputer({ ...target.options, name: computer.name });
			expect((await other.exec("pwd; cat ~/file")).stdout).toBe("/tmp\nkept\n");
			expect(await computer.inspect()).toMatchObject({ name: computer.name, state: "running", own: true });
			await computer.restart();
			expect((await computer.exec("cat ~/file")).stdout).toBe("kept\n");
			const names = (await listComputers({ driver: target.driver })).map(({ name }) => name);
			expect(names).toContain(computer.name);
		});

		test("checkpoints, a rollback and a fork of it go by its name", async () => {
			await target.open("base", options(target, 1));
			await filled(1);
			const computer = await target.open("pooled", options(target, 1));
			await computer.exec("echo before > ~/file");
			const { id } = await computer.checkpoint();
			await computer.exec("echo after > ~/file");
			await using fork = await computer.fork(id, target.computerName("forked"));
			expect((await fork.exec("cat ~/file")).stdout).toBe("before\n");
			await fork.remove();
			await computer.rollback(id);
			expect((await computer.exec("cat ~/file")).stdout).toBe("before\n");
			expect(await computer.inspect()).toMatchObject({ name: computer.name });
			await computer.remove();
			const names = (await listComputers({ driver: target.driver })).map(({ name }) => name);
			expect(names).not.toContain(computer.name);
		});

		test("a name that is taken is the computer that has it; many at once are different ones, and what the pool lacks is made", async () => {
			const first = await target.open("taken", options(target, 2));
			await first.exec("echo mine > /tmp/who");
			await filled(2);
			const again = await target.open("taken", options(target, 2));
			expect((await again.exec("cat /tmp/who")).stdout).toBe("mine\n");
			const many = await Promise.all([1, 2, 3].map((n) => target.open(`many-${n}`, options(target, 2))));
			const results = await Promise.all(
				many.map((computer, n) => computer.exec(`test ! -e /tmp/who && echo ${n} > /tmp/who && cat /tmp/who`)),
			);
			expect(results.map(({ stdout }) => stdout)).toEqual(["0\n", "1\n", "2\n"]);
		});

		test("spares go when the pool is emptied, and when their process is killed", async () => {
			const spares = async () =>
				(await listComputers({ driver: target.driver })).filter(({ name }) => name.startsWith("pool-")).map(({ name }) => name);
			const before = await spares();
			const asked = JSON.stringify({ ...options(target, 1), name: target.computerName("held") });
			const holder = spawn(process.execPath, [fromRoot("test/support/pool-holder.mjs"), asked], { stdio: ["ignore", "pipe", "inherit"] });
			let held: string | undefined;
			try {
				await Promise.race([
					once(holder.stdout, "data"),
					once(holder, "exit").then(([code]) => {
						throw new Error(`the holder ended with ${code}`);
					}),
				]);
				held = (await spares()).find((name) => !before.includes(name));
				expect(held).toBeDefined();
			} finally {
				holder.kill("SIGKILL");
			}
			// A moment earlier, nobody had said hello to it: then it waits for somebody a little longer.
			await expect.poll(spares, { timeout: 50_000, interval: 200 }).not.toContain(held);
			await target.open("emptied", options(target, 1));
			await filled(1);
			await drainPools();
			expect(readySpares()).toBe(0);
			expect((await spares()).filter((name) => !before.includes(name))).toEqual([]);
		}, 70_000);
	});
}

test("a pool is for what goes by itself, and of a sensible size", async () => {
	await expect(openComputer({ name: "kept", pool: { size: 1 } })).rejects.toMatchObject({ code: "not_supported" });
	await expect(openComputer({ name: "many", persistence: "ephemeral", pool: { size: 101 } })).rejects.toMatchObject({
		code: "invalid_argument",
	});
	await expect(
		openComputer({ name: "port", persistence: "ephemeral", network: "open", ports: ["8080:80"], pool: { size: 1 } }),
	).rejects.toMatchObject({
		code: "invalid_argument",
	});
});
