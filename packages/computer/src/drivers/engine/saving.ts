/**
 * Whose files are being saved. The engine has a container stand still for that, which looks as if anybody had paused it: who let it go on in the middle would
 * have the checkpoint show two moments. So who saves says so.
 */
import type { Abortable } from "../../driver.js";
import { DEADLINES } from "../../limits.js";
import { alone, isTaken, type Note, untilFree } from "./alone.js";
import { noteFile } from "./changed-settings.js";
import type { Dialect } from "./dialect.js";

function noteOf(dialect: Dialect, id: string): Note {
	return { file: noteFile(dialect, id, "saving"), limitMs: DEADLINES.checkpointMs };
}

/** One at a time: the engine lets a container go on after the first of two that overlap. */
export async function whileSaving<T>(dialect: Dialect, id: string, save: () => Promise<T>): Promise<T> {
	return await alone(noteOf(dialect, id), save);
}

export async function isBeingSaved(dialect: Dialect, id: string): Promise<boolean> {
	return await isTaken(noteOf(dialect, id));
}

export async function untilSaved(dialect: Dialect, id: string, options: Abortable = {}): Promise<void> {
	await untilFree(noteOf(dialect, id), "go on once the files of the machine are saved", options);
}
