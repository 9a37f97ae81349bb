import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromRoot } from "../support/repository.js";
import { TORTURE } from "../torture/cases.js";

test("there are forty cases of torture, and each has a test", () => {
	const files = (readdirSync(fromRoot("test"), { recursive: true, encoding: "utf8" }) as string[]).filter((name) =>
		name.endsWith(".test.ts"),
	);
	const text = files.map((name) => readFileSync(join(fromRoot("test"), name), "utf8")).join("\n");
	const tested = new Set([...text.matchAll(/["`](\d{1,2})\. /g)].map(([, number]) => Number(number)));
	expect(TORTURE.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
	const missing = TORTURE.filter(
		({ number, file }) => !tested.has(number) && !(file !== undefined && files.includes(file.replace("test/", ""))),
	);
	expect(missing).toEqual([]);
});
