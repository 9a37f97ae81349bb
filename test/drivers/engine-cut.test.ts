import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Computer, findComputer, listComputers } from "lms-computer";
import { describe, expect, test, vi } from "vitest";
import type { Machine } from "../../packages/computer/src/driver.js";
import { createDockerDriver } from "../../packages/computer/src/drivers/docker/index.js";
import { createPodmanDriver } from "../../packages/computer/src/drivers/podman/index.js";
import { type CutEngine, cutEngine } from "../support/cut-engine.js";
import { DRIVERS } from "../support/drivers.js";
import { output } from "../support/suite.js";

const run = promisify(execFile);

const targets = DRIVERS.filter(({ driver }) => driver !== "namespace");

describe.skipIf(targets.length === 0).each(targets)("$title", (target) => {
	const create = target.driver === "docker" ? createDockerDriver : createPodmanDriver;

	/** What another host does with the computer, whose requests can be cut off on their way to the engine. */
	async function throughCut<T>(computer: Computer, use: (machine: Machine | undefined, engine: CutEngine) => Promise<T>): Promise<T> {
		const direct = create();
		const availability = await direct.probe();
		await direct.close();
		if (!availability.usable) throw new Error(availability.reason);
		const engine = await cutEngine(availability.endpoint);
		const driver = create({ endpoint: engine.endpoint });
		try {
			return await use(await driver.attach(computer.name), engine);
		} finally {
			await driver.close();
			engine.close();
		}
	}

	/** A rollback by another host, whose nth change does not reach the engine. @returns what was cut, undefined when it was done before that */
	function rollBackCut(computer: Computer, id: string, request: number, lasting: boolean): Promise<string | undefined> {
		return throughCut(computer, async (machine, engine) => {
			engine.cutAt(request, lasting);
			const rollback = async () => {
				const done = await machine?.checkpoints?.rollback(id);
				await done?.tidy();
			};
			const outcome = await rollback().then(
				() => "done",
				({ code }) => code,
			);
			expect(outcome, engine.cut).toMatch(engine.cut === undefined ? /^done$/ : /^(connection_lost|done)$/);
			return engine.cut;
		});
	}

	test.skipIf(target.skip !== undefined)(
		"what runs is found, described and connected to with one question, unless it has changed since",
		async () => {
			const computer = await target.open("asked");
			await throughCut(computer, async (machine, engine) => {
				const driver = create({ endpoint: engine.endpoint });
				try {
					await driver.attach(computer.name);
					engine.asked.length = 0;
					const found = await driver.attach(computer.name);
					(await found?.connect())?.destroy();
					expect(engine.asked).toEqual([expect.stringMatching(new RegExp(`^GET .*/containers/lms-computer-${computer.name}/json`))]);
					expect(found?.seen?.info).toEqual(await found?.inspect());
					expect(found?.seen?.settings).toEqual(await found?.settings());

					const before = await driver.attach(computer.name);
					await machine?.restart();
					(await before?.connect())?.destroy();
					expect((await before?.inspect())?.state).toBe("running");
				} finally {
					await driver.close();
				}
			});
		},
	);

	test.skipIf(target.skip !== undefined)("one whose name another container of the engine's has is still found by its label", async () => {
		const computer = await target.open("renamed");
		const container = `lms-computer-${computer.name}`;
		await run(target.driver, ["rename", container, `x-${container}`]);
		try {
			await run(target.driver, ["create", "--name", container, target.options.image ?? "", "true"]);
			const found = await findComputer({ name: computer.name, driver: target.driver });
			expect((await found?.inspect())?.id).toBe((await computer.inspect()).id);
			await found?.close();
		} finally {
			await run(target.driver, ["rm", "--force", container]).catch(() => {});
			await run(target.driver, ["rename", `x-${container}`, container]);
		}
	});

	const modes = [
		["its host is gone", true],
		["its host goes on", false],
	] as const;
	// What is undone after a refusal is undone alike by both engines.
	for (const [words, lasting] of target === targets[0] ? modes : modes.slice(0, 1)) {
		const title = `a rollback of which a request is lost, and ${words}: whoever holds the computer and whoever comes have the same one`;
		test.skipIf(target.skip !== undefined)(title, { timeout: 120_000 }, async () => {
			const name = lasting ? "cut-for-good" : "cut-once";
			const computer = await target.open(name);
			await output(computer, "echo old >~/which");
			const { id } = await computer.checkpoint();
			// The first two keep an image and make a container, which change nothing for anybody yet.
			for (let request = 3; ; request++) {
				await output(computer, "echo new >~/which");
				const cut = await rollBackCut(computer, id, request, lasting);
				// This handle is of before.
				const seen = await output(computer, "cat ~/which");
				expect(seen, cut).toMatch(/^(old|new)$/);
				const other = await findComputer({ name: computer.name, driver: target.driver });
				expect(await output(other as Computer, "cat ~/which; echo theirs >~/which"), cut).toBe(seen);
				expect(await output(computer, "cat ~/which"), cut).toBe("theirs");
				await other?.close();
				expect((await listComputers({ driver: target.driver })).filter((one) => one.name === computer.name)).toHaveLength(1);
				// What is left then is to drop tags, each alike.
				if (cut === undefined || cut.startsWith("DELETE /images")) break;
				expect(request).toBeLessThan(30);
			}
			await computer.rollback(id);
			expect(await output(computer, "cat ~/which")).toBe("old");
			await computer.remove();
			const label = ["--filter", `label=lms-computer.name=${computer.name}`];
			for (const what of [
				["ps", "--all"],
				["images", "--all"],
			]) {
				expect((await run(target.driver, [...what, "--quiet", ...label])).stdout).toBe("");
			}
		});
	}

	test.skipIf(target.skip !== undefined)(
		"a removal that is given up when the engine has been asked for it leaves no checkpoint to the next of that name",
		async () => {
			const computer = await target.open("given-up");
			await computer.checkpoint("of before");
			await throughCut(computer, async (machine, engine) => {
				const given = new AbortController();
				const removal = machine?.remove({ signal: given.signal }).catch(() => {});
				await vi.waitFor(() => expect(engine.asked).toContainEqual(expect.stringMatching(/^DELETE .*containers/)), {
					interval: 1,
					timeout: 20_000,
				});
				given.abort();
				await removal;
			});
			const next = await target.open("given-up");
			expect(await next.checkpoints()).toEqual([]);
		},
	);

	test.skipIf(target.skip !== undefined)(
		"a removal that is cut short after a rollback that was: what was to take over never is the computer",
		async () => {
			const computer = await target.open("cut-twice");
			await output(computer, "echo old >~/which");
			const { id } = await computer.checkpoint();
			await output(computer, "echo new >~/which");
			// A container is made from the checkpoint, and is left.
			expect(await rollBackCut(computer, id, 3, true)).toMatch(/\/(kill|start)\b/);
			for (let request = 1; ; request++) {
				await throughCut(computer, async (machine, engine) => {
					engine.cutAt(request, true);
					await machine?.remove().catch((error: unknown) => expect(error).toMatchObject({ name: "ComputerError" }));
				});
				const other = await findComputer({ name: computer.name, driver: target.driver });
				if (other === undefined) break;
				expect(await output(other, "cat ~/which")).toBe("new");
				await other.close();
				expect(request).toBeLessThan(10);
			}
		},
	);

	test.skipIf(target.skip !== undefined)("a start that fails says why, also when the look after it fails too", async () => {
		const computer = await target.open("cut-start");
		await computer.stop();
		await throughCut(computer, async (machine, engine) => {
			engine.cutAt(1, true);
			await expect(machine?.start()).rejects.toMatchObject({
				code: "connection_lost",
				message: expect.stringContaining("to start the machine"),
			});
			expect(engine.cut).toMatch(/\/start$/);
		});
	});
});
