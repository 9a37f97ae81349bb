import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { freeze } from "../support/outside.js";

const targets = DRIVERS.filter(({ driver }) => driver === "podman");

const isRoot = process.getuid?.() === 0;

// As a service of Podman's leaves a container that is killed while it saves the files.
describe.skipIf(targets.length === 0).each(targets)("$title", (target) => {
	const why = target.skip ?? (isRoot ? undefined : "only root can freeze a container behind Podman's back");
	const title = `what stands still without Podman's knowledge has its files saved, and goes on${why === undefined ? "" : ` (skipped: ${why})`}`;
	test.skipIf(why !== undefined)(title, async () => {
		const computer = await target.open("forgotten");
		await computer.exec("echo kept >~/kept");
		const { id } = await computer.inspect();
		expect(await freeze(id)).toBeGreaterThan(0);
		const checkpoint = await computer.checkpoint("frozen");
		expect((await computer.exec("echo later >~/kept; echo on")).stdout).toBe("on\n");
		await freeze(id);
		const fork = await computer.fork(undefined, target.computerName("forgotten-too"));
		expect((await fork.exec("cat ~/kept")).stdout).toBe("later\n");
		await fork.remove();
		await computer.rollback(checkpoint.id);
		expect((await computer.exec("cat ~/kept")).stdout).toBe("kept\n");
	});
});
