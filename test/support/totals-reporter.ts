import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

const isCrash = (error: unknown): boolean => /Worker exited unexpectedly/.test(String((error as Error).cause ?? error));

/** Ends a run with what was skipped and why, then the totals alone on a line. LMS_TEST_TOTALS names a file for the same as JSON. */
export default class TotalsReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
		const totals = { passed: 0, failed: unhandled.length, skipped: 0 };
		const skipped = new Map<string, number>();
		for (const module of modules) {
			if (module.errors().length > 0) totals.failed += 1;
			for (const test of module.children.allTests()) {
				const state = test.result().state;
				if (state === "passed" || state === "failed") totals[state] += 1;
				else {
					totals.skipped += 1;
					// The reason is in the title, of the group (a driver that is not here) or of the test.
					const group = test.fullName.split(" > ").find((title) => title.includes("skipped:")) ?? test.fullName;
					skipped.set(group, (skipped.get(group) ?? 0) + 1);
				}
			}
		}
		for (const [title, count] of skipped) console.log(`skipped ${count}: ${title}`);
		// Node itself has crashed under them: they were not tried to their end.
		const crashed =
			unhandled.length > 0 && unhandled.every(isCrash) ? modules.filter((module) => /^(pending|queued)$/.test(module.state())) : [];
		console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
		const file = process.env["LMS_TEST_TOTALS"];
		if (file !== undefined)
			writeFileSync(file, JSON.stringify({ ...totals, crashes: unhandled.length, crashed: crashed.map(({ moduleId }) => moduleId) }));
	}
}
