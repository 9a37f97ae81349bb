// Everything that CI checks, step by step. Goes on after a failure, so that one run tells all; ends with the totals.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "lms-computer-check-"));
const vitestTotals = join(scratch, "vitest.json");
const env = { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env.PATH}`, LMS_TEST_TOTALS: vitestTotals };

/** Each prints its output only when it fails, but the tests, which print as they go. */
const STEPS = [
	{ name: "build", command: "node scripts/build.mjs --quiet" },
	{ name: "tsc", command: "tsc --build" },
	{ name: "biome", command: "biome check --error-on-warnings" },
	{ name: "knip", command: "knip --no-progress" },
	{ name: "publint", command: "publint packages/computer --strict" },
	{ name: "attw", command: "attw --pack packages/computer --profile esm-only" },
	{ name: "gofmt", command: "gofmt -l .", cwd: "guest", silent: true },
	{ name: "go vet", command: "go vet ./...", cwd: "guest" },
	{ name: "go test -race", command: "go test -race -json ./...", cwd: "guest", totals: goTotals, show: goFailures },
	{ name: "test programs", command: "npm run --silent test-programs" },
	{ name: "vitest", command: "vitest run", live: true, totals: readVitestTotals },
];
// Only root can make the user, and only who asks for Podman wants to be told that it is not there.
if (process.getuid?.() === 0 && /\bpodman\b/.test(process.env.DRIVERS ?? "")) {
	STEPS.push({ name: "vitest as an ordinary user", command: "scripts/rootless-tests.sh", live: true, totals: readVitestTotals });
}

const sum = { passed: 0, failed: 0, skipped: 0 };
/** Said again at the end, where who looks at a log looks first. */
const failed = [];
for (const step of STEPS) {
	const started = performance.now();
	rmSync(vitestTotals, { force: true });
	const { status, output } = await run(step);
	let ok = status === 0 && !(step.silent && output.trim() !== "");
	console.log(`${ok ? "ok    " : "FAILED"} ${step.name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
	const totals = step.totals?.(output) ?? { passed: 0, failed: 0, skipped: 0 };
	if (!ok && totals.crashed?.length > 0 && totals.failed === totals.crashes) {
		// Seen with Node 20: "corrupted size vs. prev_size", an abort of Node itself. Nothing was found wrong; what was not tried to its end is tried once more.
		console.log(`the test runner's process crashed; once more: ${totals.crashed.join(" ")}`);
		rmSync(vitestTotals, { force: true });
		ok = (await run({ ...step, command: `${step.command} ${totals.crashed.join(" ")}` })).status === 0;
		const again = step.totals() ?? { passed: 0, failed: 1, skipped: 0 };
		Object.assign(totals, again, { passed: totals.passed + again.passed, skipped: totals.skipped + again.skipped });
	}
	if (!ok) {
		failed.push(step.name, ...(totals.failures ?? []).map((line) => `  ${line}`));
		console.log(step.show ? step.show(output) : output);
		// A step that broke without a test to blame counts as one failure: the last line never says 0 of a red run.
		if (totals.failed === 0) totals.failed = 1;
	}
	for (const key of Object.keys(sum)) sum[key] += totals[key];
}
rmSync(scratch, { recursive: true });
if (failed.length > 0) console.log(["failed:", ...failed].join("\n"));
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ""}`);
process.exitCode = failed.length > 0 ? 1 : 0;

function run({ command, cwd = ".", live = false }) {
	return new Promise((resolve) => {
		const child = spawn(command, {
			cwd: join(ROOT, cwd),
			env,
			shell: true,
			stdio: ["ignore", live ? "inherit" : "pipe", live ? "inherit" : "pipe"],
		});
		let output = "";
		for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (output += text));
		child.on("error", (error) => resolve({ status: 1, output: error.message }));
		child.on("close", (status) => resolve({ status: status ?? 1, output }));
	});
}

function goEvents(output) {
	return output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

/** Top-level tests only: a subtest is part of its test. */
function goTotals(output) {
	const tests = goEvents(output).filter((event) => event.Test !== undefined && !event.Test.includes("/"));
	const count = (action) => tests.filter((event) => event.Action === action).length;
	const failures = tests.filter((event) => event.Action === "fail").map((event) => `${event.Package} ${event.Test}`);
	return { passed: count("pass"), failed: count("fail"), skipped: count("skip"), failures };
}

/** What the failed tests (or the compiler) said. */
function goFailures(output) {
	const events = goEvents(output);
	const failed = new Set(events.filter((event) => event.Action === "fail").map((event) => `${event.Package} ${event.Test ?? ""}`));
	const words = events.filter(
		(event) => event.Output !== undefined && (event.Package === undefined || failed.has(`${event.Package} ${event.Test ?? ""}`)),
	);
	const plain = output.split("\n").filter((line) => !line.startsWith("{"));
	return [...words.map((event) => event.Output), plain.join("\n")].join("");
}

function readVitestTotals() {
	try {
		return JSON.parse(readFileSync(vitestTotals, "utf8"));
	} catch {
		return undefined; // it never came to the end
	}
}
