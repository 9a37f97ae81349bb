#!/usr/bin/env node
/**
 * Puts the results of a run into docs/performance.md, as tables between its markers and as charts beside it. The words around them are written by hand.
 * Usage: node bench/publish.mjs [bench/results/full.json]
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { barChart } from "./chart.mjs";
import { number, resultText } from "./report.mjs";

const root = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const PAGE = root("docs/performance.md");
/** Figures that are worth a picture. */
const CHARTS = ["exec-builtin", "exec-fork", "start", "write-1kb", "task", "cli"];

const report = JSON.parse(await readFile(process.argv[2] ?? root("bench/results/full.json"), "utf8"));
const page = await readFile(PAGE, "utf8");
await mkdir(root("docs/performance"), { recursive: true });
const drawn = new Set();
for (const result of report.results.filter(({ name, ways }) => CHARTS.includes(name) && ways)) {
	const bars = Object.entries(result.ways).map(([name, { medianMs }]) => ({ name, value: medianMs, own: name.startsWith("lms-computer") }));
	await writeFile(
		root(`docs/performance/${result.name}.svg`),
		barChart({ title: `${result.title} (median, logarithmic)`, unit: "ms", bars }),
	);
	drawn.add(result.name);
}

const used = new Set();
const text = page.replace(
	/(<!-- bench:(\S+) -->)[\s\S]*?(<!-- \/bench -->)/g,
	(_, open, name, close) => `${open}\n${section(name)}\n${close}`,
);
const left = report.results.map(({ name }) => name).filter((name) => !used.has(name));
if (left.length > 0) console.error(`no place in docs/performance.md for ${left.join(", ")}`);
await writeFile(PAGE, text);

function section(name) {
	if (name === "host") return host();
	if (name === "goals") return goals();
	const pattern = new RegExp(`^${name.replaceAll("*", ".*")}$`);
	const found = report.results.filter((result) => pattern.test(result.name));
	for (const result of found) used.add(result.name);
	if (found.length === 0) return "\nNot measured in this run.\n";
	return found
		.map((result) => `${resultText(result)}\n${drawn.has(result.name) ? `\n![${result.title}](performance/${result.name}.svg)\n` : ""}`)
		.join("");
}

function host() {
	const { cpus, cpu, memoryGiB, kernel, node, docker, podman, loadBefore, loadAfter } = report.host;
	const skipped = report.skipped.map(({ what, reason }) => `- not compared: ${what} (${reason})`);
	return [
		`${report.startedAt.slice(0, 10)}, ${report.seconds} s, ${report.mode}. ${cpus} processors (${cpu}), ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, Docker ${docker ?? "none"},`,
		`Podman ${podman ?? "none"}. Load before ${loadBefore.join(", ")}, after ${loadAfter.join(", ")}.`,
		...(skipped.length > 0 ? ["", ...skipped] : []),
	].join("\n");
}

function goals() {
	const rows = report.results.flatMap(({ title, goals }) =>
		goals.map(({ text, got, met }) => `| ${title}: ${text} | ${number(got)} | ${met ? "reached" : "**missed**"} |`),
	);
	return ["| goal | measured | |", "| --- | ---: | --- |", ...rows].join("\n");
}
