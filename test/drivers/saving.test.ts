import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dialect } from "../../packages/computer/src/drivers/docker/index.js";
import {
	changedContainers,
	forgetChanges,
	noteFile,
	readChanges,
	writeChanges,
} from "../../packages/computer/src/drivers/engine/changed-settings.js";
import { isBeingSaved, whileSaving } from "../../packages/computer/src/drivers/engine/saving.js";

const ID = "0123456789ab";
const before = process.env["LMS_COMPUTER_STATE_DIR"];
let directory: string;

beforeEach(() => {
	directory = mkdtempSync(join(tmpdir(), "lms-saving-"));
	process.env["LMS_COMPUTER_STATE_DIR"] = directory;
});
afterEach(() => {
	if (before === undefined) delete process.env["LMS_COMPUTER_STATE_DIR"];
	else process.env["LMS_COMPUTER_STATE_DIR"] = before;
	rmSync(directory, { recursive: true });
});

test("a process that was killed before it had written who it is holds nobody up", async () => {
	const file = noteFile(dialect, ID, "saving");
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, "");
	const earlier = new Date(Date.now() - 5_000);
	utimesSync(file, earlier, earlier);
	expect(await isBeingSaved(dialect, ID)).toBe(false);
	expect(await whileSaving(dialect, ID, async () => await isBeingSaved(dialect, ID))).toBe(true);
	expect(await isBeingSaved(dialect, ID)).toBe(false);
});

test("of several that change the settings of one machine at once none fails, and what a killed one has left goes with the machine", async () => {
	await Promise.all(Array.from({ length: 50 }, () => writeChanges(dialect, ID, { pids: 7 })));
	expect(await readChanges(dialect, ID)).toEqual({ pids: 7 });
	writeFileSync(`${noteFile(dialect, ID, "naming")}.cut`, "");
	expect(await changedContainers(dialect)).toEqual([ID]);
	await forgetChanges(dialect, ID);
	expect(await changedContainers(dialect)).toEqual([]);
});
