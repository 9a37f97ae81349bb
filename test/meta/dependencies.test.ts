import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromRoot, repositoryFiles } from "../support/repository.js";

const page = readFileSync(fromRoot("docs/dependencies.md"), "utf8");
const named = (text: string) => [...text.matchAll(/`((?:@[a-z0-9-]+\/)?[a-z0-9.-]+)`/g)].map(([, name]) => name);
const rows = page.split("\n").filter((line) => line.startsWith("| `"));

test("every dependency of a package has its reason, and nothing else has", () => {
	const manifests = repositoryFiles("packages").filter((path) => /^packages\/[^/]+\/package\.json$/.test(path));
	const wanted = manifests.flatMap((path) => {
		const { dependencies = {} } = JSON.parse(readFileSync(fromRoot(path), "utf8")) as { dependencies?: Record<string, string> };
		return Object.keys(dependencies).filter((name) => name !== "lms-computer");
	});
	const found = rows.flatMap((row) => named(row.split("|")[1] ?? ""));
	expect(found.toSorted()).toEqual([...new Set(wanted)].toSorted());
});

test("the agent has no dependency", () => {
	expect(readFileSync(fromRoot("guest/go.mod"), "utf8")).not.toMatch(/^require/m);
});
