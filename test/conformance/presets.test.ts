import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Computer, findComputer } from "lms-computer";
import { describe, expect, test } from "vitest";
import type { Progress } from "../../packages/computer/src/driver.js";
import { isComputerError } from "../../packages/computer/src/errors/index.js";
import { DRIVERS, MATRIX } from "../support/drivers.js";
import { expectError } from "../support/suite.js";

/** Why a container can install nothing here, from what its package manager said; undefined: for another reason. */
function unreachable(error: unknown): string | undefined {
	const log = isComputerError(error, "machine_failed") ? String(error.context["log"]) : "";
	const line = log
		.split("\n")
		.find((text) => /temporary failure|could not (resolve|connect)|unable to connect|connection (timed out|failed)/i.test(text));
	return line && `containers reach no package registry here: ${line.trim()}`;
}

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("presets", () => {
		test("python and more are installed once: the second computer with them installs nothing", { timeout: 240_000 }, async ({ skip }) => {
			if (!target.capabilities.installPresets) skip("a driver that installs nothing");
			// The script makes it this run's own, so that what an earlier run has made is not taken for it.
			const script = `echo ${target.computerName("x")} >/etc/preset; id -u >>/etc/preset`;
			// Half a minute each: the large one on the first engine alone.
			const large = target.driver === "docker";
			const preset = { name: large ? "python" : "none", packages: ["tree"], script } as const;
			const steps: Progress[] = [];
			const opening = target.open("first", { preset, onProgress: (step) => steps.push(step) });
			const reason = unreachable(await opening.catch((error: unknown) => error));
			if (reason !== undefined) skip(reason);
			const first = await opening;
			const programs = `tree --version | cut -c1-4; ${large ? "python3 -c 'print(6*7)'" : "echo 42"}; tail -n 1 /etc/preset`;
			expect((await first.exec(programs)).stdout).toBe("tree\n42\n0\n");
			expect(aboutPrograms(first)).toEqual([]);
			expect((await first.exec("ls /proc/net/dev && ! grep -q eth /proc/net/dev")).exitCode).toBe(0);
			const told = steps.filter(({ phase }) => phase === "prepare").map(({ message }) => message);
			expect(told.join("\n")).toMatch(/installing (python\+)?tree.*: .*(Get|Unpacking|Setting up|Selecting)/);
			steps.length = 0;
			const second = await target.open("second", { preset, onProgress: (step) => steps.push(step) });
			expect((await second.exec(programs)).stdout).toBe("tree\n42\n0\n");
			expect(steps.map(({ phase }) => phase)).not.toContain("prepare");
			await removeImageOf(first.name, target.driver, [first, second]);
		});

		test("what can not be installed is told with the end of the log, and leaves nothing", { timeout: 120_000 }, async ({ skip }) => {
			if (!target.capabilities.installPresets) skip("a driver that installs nothing");
			const failing = target.open("failing", { preset: { script: "echo the reason is this; exit 3" } });
			await expect(failing).rejects.toMatchObject({
				code: "machine_failed",
				message: expect.stringContaining("the reason is this"),
				context: { log: expect.stringContaining("the reason is this") },
			});
			expect(await findComputer({ name: target.computerName("failing"), driver: target.driver })).toBeUndefined();
			const { stdout } = await promisify(execFile)(target.driver, ["ps", "--all", "--format", "{{.Names}}"]);
			expect(stdout).not.toMatch(/lms-prepare-.*failing/);
		});

		test("without a driver that installs, the programs have to be there, and each that is not is named", async ({ skip }) => {
			if (target.capabilities.installPresets) skip("this driver installs them");
			if (target.capabilities.images) {
				// An engine without a network.
				await expectError(target.open("none", { preset: "python" }), "not_supported");
				return;
			}
			const none = target.open("none", { preset: "none+sh+no-such-program+no-such-other" });
			await expect(none).rejects.toMatchObject({
				code: "not_supported",
				message: expect.stringMatching(/no-such-program, no-such-other$/),
				context: { missing: ["no-such-program", "no-such-other"] },
			});
			await expectError(target.open("none", { preset: { script: "true" } }), "not_supported");
			expect(await findComputer({ name: target.computerName("none"), driver: target.driver })).toBeUndefined();
			const there = await target.open("there", { preset: "none+sh" });
			expect(aboutPrograms(there)).toEqual([]);
		});
	});
});

describe.for(MATRIX.filter(({ shell, driver }) => shell === "sh" || driver === "namespace"))("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("presets where nothing can be installed", () => {
		test("one that was asked for is an error, the default one a notice that stays", async ({ skip }) => {
			if (!target.capabilities.installPresets) skip("a driver that installs nothing");
			await expect(target.open("asked", { preset: "minimal" })).rejects.toMatchObject({
				code: "not_supported",
				message: expect.stringContaining("neither apt-get nor apk"),
				hint: expect.stringContaining("none"),
			});
			const steps: string[] = [];
			const computer = await target.open("default", { preset: undefined, onProgress: ({ message }) => steps.push(message) });
			expect((await computer.exec("echo on")).stdout).toBe("on\n");
			expect(aboutPrograms(computer)).toEqual([expect.stringContaining("neither apt-get nor apk")]);
			expect((await computer.inspect()).warnings).toEqual(computer.notices);
			steps.length = 0;
			// It is not tried again for each.
			const next = await target.open("default-2", { preset: undefined, onProgress: ({ message }) => steps.push(message) });
			expect(steps.join("\n")).not.toContain("installing");
			expect(aboutPrograms(next)).toHaveLength(1);
		});

		test("the host's own programs need no preset: the default one is no news", async ({ skip }) => {
			if (target.capabilities.images) skip("a driver that has images");
			expect(aboutPrograms(await target.open("plain", { preset: undefined }))).toEqual([]);
		});
	});
});

/** Without those about limits, which not every user can set. */
function aboutPrograms({ notices }: Computer): readonly string[] {
	return notices.filter((notice) => /program|preset/.test(notice));
}

/** What this run alone has needed goes with it. */
async function removeImageOf(name: string, engine: string, computers: readonly { remove(): Promise<void> }[]): Promise<void> {
	const run = promisify(execFile);
	const { stdout } = await run(engine, ["inspect", "--format", "{{.Image}}", `lms-computer-${name}`]);
	await Promise.all(computers.map((computer) => computer.remove()));
	await run(engine, ["rmi", stdout.trim()]);
}
