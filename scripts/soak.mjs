// Random operations on computers while everything is killed: `npm run soak -- --help`. See docs/reliability.md.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DRIVERS = ["docker", "podman", "namespace"];
const HELP = `Usage: npm run soak -- [--minutes N] [--seed S] [--driver D[,D]] [--log FILE] [--json]
       npm run soak -- --leaks [--cycles N] [--execs N] [--driver D[,D]] [--json]

Random operations (open, exec, files, transfers, jobs, checkpoints, rollbacks, forks, stop, remove) from three host processes on
three computers, while host processes, agents' clients, machines and the engine are killed and stopped. As root with an engine of
its own; else with yours, and then host processes alone are killed.

  --minutes N   per driver, fractions are fine (default 1)
  --seed S      decides what each lane does and what is killed (default: random; a run says it)
  --driver D    some of ${DRIVERS.join(",")} (default: each, one after the other)
  --leaks       cycles of open, exec, close, and many commands: counts what is held before and after
  --cycles N    default 1000
  --execs N     default 10000
  --log FILE    every line of what is done is added to it
  --json        the report as JSON on stdout, everything else on stderr

Ends with 0 when all held, 1 when something did not, 2 for wrong arguments, 130 after Ctrl-C.`;

let flags;
try {
	flags = parseArgs({
		options: {
			minutes: { type: "string", default: "1" },
			seed: { type: "string" },
			driver: { type: "string" },
			leaks: { type: "boolean", default: false },
			cycles: { type: "string", default: "1000" },
			execs: { type: "string", default: "10000" },
			log: { type: "string" },
			json: { type: "boolean", default: false },
			help: { type: "boolean", short: "h", default: false },
		},
	}).values;
	for (const name of ["cycles", "execs"]) if (!/^\d+$/.test(flags[name])) throw new Error(`--${name}: expected a whole number`);
	if (!(Number(flags.minutes) > 0)) throw new Error("--minutes: expected a number above 0");
	if (flags.seed !== undefined && !/^\d{1,10}$/.test(flags.seed)) throw new Error("--seed: expected a whole number of up to 10 digits");
	const unknown = flags.driver?.split(",").find((name) => !DRIVERS.includes(name));
	if (unknown !== undefined) throw new Error(`--driver: expected some of ${DRIVERS.join(",")}, got ${unknown}`);
} catch (error) {
	console.error(`${error.message}\n\n${HELP}`);
	process.exit(2);
}
if (flags.help) {
	console.log(HELP);
	process.exit(0);
}

// Node before 22.18 runs no TypeScript. Two steps below the root, as its source: what it finds by its own place is found.
const outdir = join(ROOT, "dist/soak");
await build({
	entryPoints: [join(ROOT, "test/soak/run.ts"), join(ROOT, "test/soak/leaks.ts")],
	outdir,
	outExtension: { ".js": ".mjs" },
	bundle: true,
	packages: "external",
	platform: "node",
	format: "esm",
	logLevel: "warning",
});
const load = async (name) => await import(pathToFileURL(join(outdir, `${name}.mjs`)).href);

const say = (line) => process.stderr.write(`${line}\n`);
const interruption = new AbortController();
process.once("SIGINT", () => {
	say("interrupted: cleaning up (again: at once)");
	interruption.abort();
});
const reports = [];
let failed = false;
for (const driver of flags.driver?.split(",") ?? DRIVERS) {
	if (interruption.signal.aborted) break;
	const report = flags.leaks ? await countLeaks(driver) : await soakOne(driver);
	reports.push(report);
}
if (flags.json) console.log(JSON.stringify(reports, undefined, "\t"));
process.exitCode = interruption.signal.aborted ? 130 : failed ? 1 : 0;

async function soakOne(driver) {
	const { soak, operationCount } = await load("run");
	const seed = flags.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(flags.seed);
	const summary = (report) => {
		const excused = Object.values(report.operations).reduce((sum, one) => sum + Object.values(one.excused).reduce((a, b) => a + b, 0), 0);
		const kills = Object.entries(report.kills).map(([what, count]) => `${what} ${count}`);
		return `${driver}, seed ${seed}: ${report.seconds} s, ${operationCount(report)} operations (${excused} excused), kills: ${kills.join(", ") || "none"}`;
	};
	say(`${driver}, seed ${seed}: begins`);
	const report = await soak({
		driver,
		seed,
		durationMs: Number(flags.minutes) * 60_000,
		signal: interruption.signal,
		onLine: flags.log === undefined ? undefined : (line) => appendFileSync(flags.log, `${driver} ${seed} ${line}\n`),
		onProgress: (now) => say(summary(now)),
	});
	const held = report.violation === undefined && report.remains.length === 0;
	say(`${summary(report)}${held && !interruption.signal.aborted ? ": all held" : ""}`);
	if (held) return report;
	failed = true;
	say(`the last of what was done:\n  ${report.last.join("\n  ")}`);
	if (report.violation !== undefined) say(`FAILED: ${report.violation}`);
	if (report.remains.length > 0) say(`FAILED, left behind:\n  ${report.remains.join("\n  ")}`);
	say(`again: npm run soak -- --driver ${driver} --seed ${seed} --minutes ${flags.minutes}`);
	return report;
}

async function countLeaks(driver) {
	const { leaks, leakTable } = await load("leaks");
	const report = await leaks({
		driver,
		cycles: Number(flags.cycles),
		execs: Number(flags.execs),
		signal: interruption.signal,
		onProgress: say,
	});
	say(leakTable(report));
	if (report.leaked.length > 0) failed = true;
	return report;
}
