/**
 * Whose files are being saved. The engine has a container stand still for that, which looks as if anybody had paused it: who let it go on in the middle would
 * have the checkpoint show two moments. So who saves says so in the state directory, by container, for every process of this host.
 */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Abortable } from "../../driver.js";
import { DEADLINES } from "../../limits.js";
import { savingFile } from "./changed-settings.js";
import { canceled } from "./deadline.js";
import type { Dialect } from "./dialect.js";

const LOOK_MS = 50;
/** From a file to the number in it: one that has none for longer is of a process that was killed in between. */
const UNNAMED_MS = 1_000;

/** One at a time: the engine lets a container go on after the first of two that overlap. */
export async function whileSaving<T>(dialect: Dialect, id: string, save: () => Promise<T>): Promise<T> {
	const file = savingFile(dialect, id);
	await mkdir(dirname(file), { recursive: true, mode: 0o700 });
	for (;;) {
		try {
			await writeFile(file, String(process.pid), { flag: "wx", mode: 0o600 });
			break;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
			await untilSaved(dialect, id);
			// Gone already, or of a process that was killed.
			if (!(await isBeingSaved(dialect, id))) await rm(file, { force: true });
		}
	}
	try {
		return await save();
	} finally {
		await rm(file, { force: true });
	}
}

export async function isBeingSaved(dialect: Dialect, id: string): Promise<boolean> {
	const file = savingFile(dialect, id);
	try {
		const [pid, { mtimeMs }] = await Promise.all([readFile(file, "utf8"), stat(file)]);
		const ageMs = Date.now() - mtimeMs;
		if (pid === "") return ageMs < UNNAMED_MS;
		// The number of one that was killed may be another's since.
		return ageMs < DEADLINES.checkpointMs && isAlive(Number(pid));
	} catch {
		return false;
	}
}

export async function untilSaved(dialect: Dialect, id: string, { signal }: Abortable = {}): Promise<void> {
	while (await isBeingSaved(dialect, id)) {
		await pause(LOOK_MS, undefined, { signal }).catch(() => {
			throw canceled("go on once the files of the machine are saved", signal);
		});
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}
