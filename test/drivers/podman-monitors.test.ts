import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import Docker from "dockerode";
import { describe, expect, test } from "vitest";
import { createPodmanDriver } from "../../packages/computer/src/drivers/podman/index.js";
import { endOrphanedMonitors } from "../../packages/computer/src/drivers/podman/monitors.js";
import { DRIVERS } from "../support/drivers.js";
import { guestArguments } from "../support/suite.js";

const targets = DRIVERS.filter(({ driver }) => driver === "podman");

describe.skipIf(targets.length === 0).each(targets)("$title", (target) => {
	const monitors = async (containerId: string) => {
		const { stdout } = await promisify(execFile)("pgrep", ["-f", `^[^ ]*conmon .*${containerId}`]).catch(() => ({ stdout: "" }));
		return stdout.split("\n").filter((line) => line !== "");
	};

	test.skipIf(target.skip !== undefined)("monitors of containers that are there are left alone, whoever knows of them", async () => {
		const computer = await target.open("watched");
		const { id } = await computer.inspect();
		// One exec by the engine's API, whatever way our own connections take.
		const exec = await new Docker({ socketPath: await endpoint() })
			.getContainer(id)
			.exec({ Cmd: ["/.lms/agent", "version"], AttachStdout: true });
		(await exec.start({})).resume();
		await expect.poll(async () => (await exec.inspect()).Running).toBe(false);
		await expect.poll(async () => (await monitors(id)).length).toBeGreaterThanOrEqual(2);
		const before = await monitors(id);
		expect(before.length).toBeGreaterThanOrEqual(2);
		await endOrphanedMonitors();
		expect(await monitors(id)).toEqual(expect.arrayContaining(before));
		expect((await computer.exec("echo on")).stdout).toBe("on\n");
		// Podman itself leaves those of an exec.
		await computer.close();
		await promisify(execFile)("podman", ["rm", "--force", "--time", "0", `lms-computer-${computer.name}`]);
		expect((await monitors(id)).length).toBeGreaterThan(0);
		await endOrphanedMonitors();
		await expect.poll(() => monitors(id)).toEqual([]);
	});

	test.skipIf(target.skip !== undefined)("a machine that is started again while it is removed is gone", { timeout: 60_000 }, async () => {
		for (let round = 0; round < 2; round++) {
			const computer = await target.open(`again-${round}`);
			const container = new Docker({ socketPath: await endpoint() }).getContainer((await computer.inspect()).id);
			// What its first process was given, however often it is started.
			const given = await guestArguments(computer);
			const made = given[given.indexOf("--made") + 1] ?? "";
			expect(await processesWith(made)).toHaveLength(1);
			const over = new AbortController();
			const starts = [1, 2].map(async () => {
				while (!over.signal.aborted) await container.start().catch(() => {});
			});
			await computer.remove();
			over.abort();
			await Promise.all(starts);
			await expect.poll(() => processesWith(made)).toEqual([]);
		}
	});
});

async function endpoint(): Promise<string> {
	const driver = createPodmanDriver();
	const found = await driver.probe();
	await driver.close();
	if (!found.usable) throw new Error(found.reason);
	return found.endpoint;
}

async function processesWith(word: string): Promise<string[]> {
	const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
	const commands = await Promise.all(pids.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
	return commands.filter((command) => command.split("\0").includes(word));
}
