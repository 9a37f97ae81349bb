// The torture suite as a table, case by driver: `npm run torture`. Further arguments go to vitest.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COLUMNS = ["docker", "podman", "namespace", "any"];
const { TORTURE } = await import(join(ROOT, "test/torture/cases.ts")).catch(() => readCases());

const scratch = mkdtempSync(join(tmpdir(), "lms-torture-"));
const report = join(scratch, "report.json");
const argv = [
	"vitest",
	"run",
	"--reporter=default",
	"--reporter=json",
	`--outputFile.json=${report}`,
	"-t",
	"(^|[> ])\\d{1,2}\\. ",
	"test/torture",
];
const more = ["test/conformance", "test/agent/transfer.test.ts", "test/tools/output.test.ts", ...process.argv.slice(2)];
const status = await new Promise((resolve) => {
	spawn("npx", [...argv, ...more], { cwd: ROOT, stdio: ["inherit", 2, "inherit"] }).on("close", resolve);
});
const { testResults } = JSON.parse(readFileSync(report, "utf8"));
rmSync(scratch, { recursive: true });

/** passed, failed and skipped, by case and column. */
const cells = new Map();
for (const { assertionResults } of testResults) {
	for (const test of assertionResults) {
		const number = Number(/^(\d{1,2})\. /.exec([test.title, ...test.ancestorTitles].find((title) => /^\d{1,2}\. /.test(title)) ?? "")?.[1]);
		if (!(number >= 1 && number <= TORTURE.length)) continue;
		const group = test.ancestorTitles.join(" ");
		const column = COLUMNS.find((name) => group.includes(name)) ?? "any";
		const cell = cells.get(`${number} ${column}`) ?? { passed: 0, failed: 0, skipped: 0 };
		cell[test.status === "passed" || test.status === "failed" ? test.status : "skipped"] += 1;
		cells.set(`${number} ${column}`, cell);
	}
}

const width = Math.max(...TORTURE.map(({ title }) => title.length));
console.log(`${"".padEnd(4)}${"case".padEnd(width)}  ${COLUMNS.map((name) => name.padEnd(10)).join("")}`);
for (const { number, title, file } of TORTURE) {
	const words = COLUMNS.map((column) => word(cells.get(`${number} ${column}`)).padEnd(10)).join("");
	console.log(`${String(number).padStart(2)}. ${title.padEnd(width)}  ${words}${file ?? ""}`.trimEnd());
}
process.exitCode = status;

function word(cell) {
	if (cell === undefined) return "";
	if (cell.failed > 0) return `FAILED ${cell.failed}`;
	return cell.passed > 0 ? `ok ${cell.passed}` : "cannot";
}

/** Node before 22.18 runs no TypeScript; the list is plain enough. */
async function readCases() {
	const text = readFileSync(join(ROOT, "test/torture/cases.ts"), "utf8");
	const titles = text.slice(text.indexOf("= [") + 2, text.indexOf("].map(") + 1);
	const files = /const file = (\{.*?\})/.exec(text)?.[1] ?? "{}";
	const list = JSON.parse(titles.replace(/,\s*\]$/, "]"));
	const where = Object.fromEntries([...files.matchAll(/(\d+): "([^"]+)"/g)].map(([, number, file]) => [number, file]));
	return { TORTURE: list.map((title, index) => ({ number: index + 1, title, file: where[index + 1] })) };
}
