import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { findComputer, listComputers, openComputer } from "lms-computer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { traces } from "../support/outside.js";
import { randomFrom } from "../support/random.js";
import { fromRoot } from "../support/repository.js";
import { output } from "../support/suite.js";

const MOMENTS = Number(process.env["LMS_TEST_MOMENTS"] ?? 3);
const SEED = Number(process.env["LMS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

let folder: string;
beforeAll(() => {
	folder = fs.mkdtempSync(join(tmpdir(), "lms-life-"));
	for (let i = 0; i < 50; i++) fs.writeFileSync(join(folder, `${i}`), "x".repeat(10_000));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("killed hosts", () => {
		const title = "34. kill -9 of the host process at any moment: the machine is found by its name, usable or not there, none leaks";
		test(`${title} (${MOMENTS} moments, seed ${SEED})`, { timeout: 40_000 * MOMENTS }, async () => {
			const random = randomFrom(SEED + target.driver.length);
			const name = target.computerName("life");
			const options = { ...target.options, name };
			for (let moment = 0; moment < MOMENTS; moment++) {
				const steps = await liveAndDie(options, random() * 3000);
				const where = `moment ${moment}, after ${JSON.stringify(steps.at(-1))}`;
				const listed = (await listComputers({ driver: target.driver })).filter((info) => info.name === name);
				expect(listed.length, where).toBeLessThanOrEqual(1);
				const computer = await openComputer(options);
				// Whole: of one round, every byte. 1 is what the round before has left below.
				const size = await output(computer, "stat -c %s /root/large 2>/dev/null || echo none");
				expect(size, where).toMatch(/^(none|1|2000000)$/);
				if (size !== "none") expect(await output(computer, "tr -d '\\n' </root/large | fold -w 1 | sort -u | wc -l"), where).toBe("1");
				// An upload changes a folder that is there file by file, each whole.
				expect(await output(computer, "find /root/folder -type f -size -10000c 2>/dev/null | wc -l"), where).toBe("0");
				expect(await output(computer, "ls -a /root /home/user | grep -c '^.lms' || true"), where).toBe("0");
				for (const { id } of await computer.checkpoints()) await computer.diff(id);
				await computer.files.write("/root/large", "x");
				if (random() < 0.5) await computer.remove();
				else await computer.close();
			}
			const last = await openComputer(options);
			const words = [name, (await last.inspect()).id];
			await last.remove();
			expect(await findComputer({ name, driver: target.driver })).toBeUndefined();
			expect(await traces(last, words)).toEqual([]);
		});
	});
});

/** What it told before it was killed. */
async function liveAndDie(options: object, delayMs: number): Promise<unknown[]> {
	const argv = [fromRoot("test/support/host-life.mjs"), JSON.stringify(options), folder];
	const child = spawn(process.execPath, argv, { cwd: fromRoot("."), stdio: ["ignore", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const lines = createInterface({ input: child.stdout });
	const steps: unknown[] = [];
	lines.on("line", (line) => steps.push(JSON.parse(line)));
	await once(lines, "line");
	await sleep(delayMs);
	child.kill("SIGKILL");
	expect(await exited).toEqual([null, "SIGKILL"]);
	return steps;
}
