#!/usr/bin/env node
/** Compares a computer with the usual ways, as ratios in one run. See README.md. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { hostFacts } from "./host.mjs";
import { resultText } from "./report.mjs";
import { Stage } from "./stage.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const { values: flags } = parseArgs({
	options: {
		quick: { type: "boolean", default: false },
		only: { type: "string" },
		drivers: { type: "string" },
		list: { type: "boolean", default: false },
		out: { type: "string" },
	},
});

const names = (await readdir(join(HERE, "figures"))).map((file) => file.replace(/\.mjs$/, "")).sort();
const chosen = flags.only === undefined ? names : flags.only.split(",");
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) {
	console.error(`expected some of ${names.join(", ")}, got ${unknown.join(", ")}`);
	process.exit(2);
}
if (flags.list) {
	console.log(names.join("\n"));
	process.exit(0);
}

const stage = new Stage(flags.quick);
const host = await hostFacts();
const startedAt = new Date().toISOString();
const began = performance.now();
let failed = false;
try {
	await stage.begin(flags.drivers?.split(","));
	for (const name of chosen) {
		const start = performance.now();
		const before = stage.results.length;
		try {
			const { default: run } = await import(`./figures/${name}.mjs`);
			await run(stage);
		} catch (error) {
			// One that breaks costs its own figures, not those of the others.
			failed = true;
			stage.skip(name, `it broke: ${error.stack}`);
		}
		for (const result of stage.results.slice(before)) console.log(resultText(result));
		console.error(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, load ${loadavg()[0].toFixed(1)}`);
	}
} finally {
	await stage.end();
}
const report = {
	startedAt,
	seconds: Math.round((performance.now() - began) / 1000),
	mode: flags.quick ? "quick" : "full",
	host: { ...host, loadAfter: loadavg().map((load) => Math.round(load * 100) / 100) },
	skipped: stage.skipped,
	results: stage.results,
};
const out =
	flags.out ??
	join(HERE, "results", flags.only === undefined ? (flags.quick ? "quick.json" : "full.json") : `only-${chosen.join("-")}.json`);
await mkdir(dirname(out), { recursive: true });
await writeFile(out, `${JSON.stringify(report, null, "\t")}\n`);
console.error(`${out}: ${stage.results.length} figures in ${report.seconds} s`);
process.exit(failed ? 1 : 0);
