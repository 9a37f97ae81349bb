import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findComputer, listComputers, openComputer } from "lms-computer";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { forget, recall, remember } from "../../packages/computer/src/whereabouts.js";
import { cli } from "../cli/command.js";
import { DRIVERS } from "../support/drivers.js";

let directory: string;

beforeEach(() => {
	directory = mkdtempSync(join(tmpdir(), "lms-state-"));
	vi.stubEnv("LMS_COMPUTER_STATE_DIR", directory);
});
afterEach(() => {
	vi.unstubAllEnvs();
	rmSync(directory, { recursive: true, force: true });
});

test("the driver of a name is remembered until it is forgotten", async () => {
	expect(await recall("box")).toBeUndefined();
	await remember("box", "docker");
	await remember("box", "podman");
	expect(await recall("box")).toBe("podman");
	await forget("box", "docker");
	expect(await recall("box")).toBe("podman");
	await forget("box", "podman");
	await forget("box", "podman");
	expect(await recall("box")).toBeUndefined();
});

test.each(["", "dock", "docker podman", "\0\0", "x".repeat(10_000)])("a damaged hint is no hint: %j", async (content) => {
	await remember("box", "docker");
	writeFileSync(join(directory, "last-driver", "box"), content);
	expect(await recall("box")).toBeUndefined();
	await remember("box", "docker");
	expect(await recall("box")).toBe("docker");
});

test("a place that cannot be written is no error", async () => {
	writeFileSync(join(directory, "last-driver"), "a file where the directory should be");
	await remember("box", "docker");
	await forget("box", "docker");
	expect(await recall("box")).toBeUndefined();
});

describe("the driver that had a computer is not usable now", () => {
	const name = `t-unreachable-${process.pid}`;

	beforeEach(async () => {
		vi.stubEnv("DOCKER_HOST", `unix://${directory}/nobody.sock`);
		await remember(name, "docker");
	});

	test("another one of its name is not made elsewhere, where it would hide the first; nor is there said to be none", async () => {
		const expected = { code: "driver_unavailable", message: expect.stringContaining(`"${name}" was on docker the last time`) };
		await expect(openComputer({ name })).rejects.toMatchObject(expected);
		await expect(findComputer({ name })).rejects.toMatchObject(expected);
		const unasked: unknown[] = [];
		const listed = await listComputers({ onUnasked: ({ name: driver }, names) => unasked.push([driver, names]) });
		expect(listed.map((machine) => machine.name)).not.toContain(name);
		expect(unasked).toEqual([["docker", [name]]]);
	});

	test("ls and rm --all say so, and ls does not say that there are none", async () => {
		for (const argv of [["ls"], ["rm", "--all"]]) {
			const { stderr } = await cli(argv);
			expect(stderr).toContain(`docker, where ${name} was the last time, is not usable now: `);
			expect(stderr).not.toContain("there are no computers");
		}
	});

	for (const target of DRIVERS.filter(({ driver }) => driver !== "docker")) {
		test.skipIf(target.skip !== undefined)(`one is made on ${target.title} by its name, and is found there then`, async () => {
			const computer = await openComputer({ ...target.options, name });
			try {
				await using found = await findComputer({ name });
				expect(found?.driver).toBe(target.driver);
			} finally {
				await computer.remove();
			}
			expect(await recall(name)).toBeUndefined();
		});

		test.skipIf(target.skip !== undefined)(`an ephemeral one on ${target.title}, which is soon gone, is not remembered`, async () => {
			const computer = await openComputer({ ...target.options, name: `${name}-e`, persistence: "ephemeral" });
			expect(await recall(computer.name)).toBeUndefined();
			await computer.remove();
		});
	}
});
