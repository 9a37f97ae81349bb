import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromRoot } from "../support/repository.js";

/** `conformance/exec` "a title", "another one"; `cli/exec` "a third one" */
const FILE = /`([a-z]+\/[a-z-]+)`((?:,? "[^"]+")+)/g;

const rows = readFileSync(fromRoot("docs/parity.md"), "utf8")
	.split("\n")
	.filter((line) => line.startsWith("| ") && !line.startsWith("| function") && !line.startsWith("| ---"));

test.each(rows)("%s", (row) => {
	const references = [...row.matchAll(FILE)].flatMap(([, file, titles = ""]) =>
		[...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({ file, title })),
	);
	expect(references.length).toBeGreaterThan(0);
	for (const { file, title } of references) {
		const path = fromRoot(`test/${file}.test.ts`);
		expect(existsSync(path), path).toBe(true);
		expect(readFileSync(path, "utf8"), file).toContain(title);
	}
});
