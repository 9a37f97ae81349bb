import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { leaks, leakTable } from "./leaks.js";
import { operationCount, soak } from "./run.js";

/** Of each, all at once. `npm run soak` runs one for as long as one likes. */
const SECONDS = Number(process.env["LMS_TEST_SOAK_SECONDS"] ?? 60);
const SEEDS = 5;
const first = Number(process.env["LMS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const usable = DRIVERS.filter(({ skip }) => skip === undefined);

describe("soak", () => {
	for (const [i, target] of Array.from({ length: SEEDS }, (_, i) => [i, DRIVERS[i % DRIVERS.length]] as const)) {
		if (target === undefined) continue;
		const seed = first + i;
		test.skipIf(target.skip !== undefined)(
			`${target.driver}: what was acknowledged holds, whatever is killed (seed ${seed})`,
			{ timeout: 500_000, concurrent: true },
			async () => {
				const report = await soak({ driver: target.driver, seed, durationMs: SECONDS * 1000 });
				// What went wrong first: a summary has the first line alone.
				const wrong = report.violation ?? `left behind: ${report.remains.join(", ")}`;
				const told = `${wrong}\nagain: npm run soak -- --driver ${target.driver} --seed ${seed}\n  ${report.last.join("\n  ")}`;
				expect(report.violation, told).toBeUndefined();
				expect(report.remains, told).toEqual([]);
				expect(operationCount(report)).toBeGreaterThan(0);
			},
		);
	}

	test.each(usable.map(({ driver }) => driver))(
		"leaks with %s: 30 cycles of open, exec, close and 300 commands",
		{ timeout: 200_000 },
		async (driver) => {
			const report = await leaks({ driver, cycles: 30, execs: 300, patient: false });
			expect(report.leaked, leakTable(report)).toEqual([]);
		},
	);
});
