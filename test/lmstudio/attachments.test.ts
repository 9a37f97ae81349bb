import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deliver } from "../../packages/lmstudio/src/attachments.js";
import { contextBlock } from "../../packages/lmstudio/src/context-block.js";
import { DRIVERS, type Target } from "../support/drivers.js";

const target = DRIVERS.findLast(({ skip }) => skip === undefined);

test.skipIf(target === undefined)("a file is where the model is told that it is, by a name that it can write", async () => {
	const computer = await (target as Target).open("attached-names");
	const folder = await mkdtemp(join(tmpdir(), "lms-computer-attached-"));
	try {
		const path = join(folder, "file");
		await writeFile(path, "x");
		const names = [
			"Screenshot 2026-01-01 at 3.04.05\u202fPM.png",
			"re\u0301sume\u0301.pdf",
			"<a>\u200e.txt",
			"  two  spaces .txt ",
			`${"\u{1f600}".repeat(60)}.png`,
			`a${"\u{1f600}".repeat(60)}.png`,
		];
		const files = names.map((name) => ({ name, getFilePath: async () => path }));
		const options = { signal: new AbortController().signal, onStatus: () => {} };
		const delivered = await deliver(files, async () => computer, options);
		expect(delivered.slice(0, 4).map(({ name }) => name)).toEqual([
			"Screenshot 2026-01-01 at 3.04.05 PM.png",
			"r\u00e9sum\u00e9.pdf",
			"_a__.txt",
			"two spaces .txt",
		]);
		const told = [...contextBlock(undefined, delivered).matchAll(/^Attached file: (.*) \(1 B\)$/gm)].map(([, shown]) => shown ?? "");
		expect(told).toHaveLength(names.length);
		for (const shown of told) expect(await computer.files.readText(shown)).toBe("x");
	} finally {
		await rm(folder, { recursive: true });
	}
});
