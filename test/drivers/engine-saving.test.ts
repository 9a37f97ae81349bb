import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dialect } from "../../packages/computer/src/drivers/docker/index.js";
import { isBeingSaved, whileSaving } from "../../packages/computer/src/drivers/engine/saving.js";

const ID = "0123456789ab";
let directory: string;

beforeEach(() => {
	directory = mkdtempSync(join(tmpdir(), "lms-saving-"));
	vi.stubEnv("LMS_COMPUTER_STATE_DIR", directory);
});
afterEach(() => {
	vi.unstubAllEnvs();
	rmSync(directory, { recursive: true });
});

test("of several that save the files of one machine at once, one does at a time", async () => {
	let now = 0;
	let most = 0;
	const save = async () => {
		most = Math.max(most, ++now);
		for (let turns = 0; turns < 20; turns++) await turn();
		expect(await isBeingSaved(dialect, ID)).toBe(true);
		now--;
	};
	for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 12 }, () => whileSaving(dialect, ID, save)));
	expect(most).toBe(1);
	expect(await isBeingSaved(dialect, ID)).toBe(false);
});

test("where nothing can be noted files are saved all the same", async () => {
	const file = join(directory, "file");
	writeFileSync(file, "");
	vi.stubEnv("LMS_COMPUTER_STATE_DIR", join(file, "below"));
	expect(await whileSaving(dialect, ID, async () => "saved")).toBe("saved");
});
