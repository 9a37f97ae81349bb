import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** More failures than this have one cause; the first ones tell it. */
const SHOWN_FAILURES = 25;

const isCrash = (error: unknown): boolean => /Worker exited unexpectedly/.test(String((error as Error).cause ?? error));

/** Ends a run with what was skipped and why, what failed in a line each, then the totals alone on a line. LMS_TEST_TOTALS names a file for the same as JSON. */
export default class TotalsReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
		const tests = modules.flatMap((module) => [...module.children.allTests()]);
		const inState = (state: string) => tests.filter((test) => test.result().state === state);
		const skipped = tests.filter((test) => !/^(passed|failed)$/.test(test.result().state));
		const failures = [
			...modules.flatMap((module) => module.errors().map((error) => `${module.relativeModuleId}: ${firstLine(error.message)}`)),
			...inState("failed").map(
				(test) => `${test.module.relativeModuleId} > ${test.fullName}: ${firstLine(test.result().errors?.[0]?.message)}`,
			),
			...unhandled.map((error) => `outside of tests: ${firstLine(String((error as Error).message ?? error))}`),
		];
		for (const line of reasons(skipped)) console.log(line);
		for (const line of failures.slice(0, SHOWN_FAILURES)) console.log(`FAILED ${line}`);
		if (failures.length > SHOWN_FAILURES) console.log(`FAILED … and ${failures.length - SHOWN_FAILURES} more`);
		// Node itself has crashed under them: they were not tried to their end.
		const crashed =
			unhandled.length > 0 && unhandled.every(isCrash) ? modules.filter((module) => /^(pending|queued)$/.test(module.state())) : [];
		const totals = { passed: inState("passed").length, failed: failures.length, skipped: skipped.length };
		console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
		const file = process.env["LMS_TEST_TOTALS"];
		if (file === undefined) return;
		const more = { crashes: unhandled.length, crashed: crashed.map(({ moduleId }) => moduleId) };
		writeFileSync(file, JSON.stringify({ ...totals, ...more, failures: failures.slice(0, SHOWN_FAILURES) }));
	}
}

/** One line for each group of tests that was skipped: the reason is in the title, of the group (a driver that is not here) or of the test. */
function reasons(skipped: readonly TestCase[]): string[] {
	const groups = new Map<string, { count: number; targets: Set<string> }>();
	for (const test of skipped) {
		const titles = test.fullName.split(" > ");
		const target = /^'(\w+\/\w+)/.exec(titles[0] ?? "")?.[1];
		const reason = titles.find((title) => title.includes("skipped:")) ?? titles.slice(target === undefined ? 0 : 1).join(" > ");
		const group = groups.get(reason) ?? { count: 0, targets: new Set() };
		groups.set(reason, group);
		group.count += 1;
		if (target !== undefined) group.targets.add(target);
	}
	return [...groups].map(
		([reason, { count, targets }]) => `skipped ${count}${targets.size > 0 ? ` (${[...targets].join(", ")})` : ""}: ${reason}`,
	);
}

function firstLine(text: string | undefined): string {
	return (text ?? "").split("\n", 1)[0]?.slice(0, 500) ?? "";
}
