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
	for (;;) {
		try {
			await mkdir(dirname(file), { recursive: true, mode: 0o700 });
			await writeFile(file, String(process.pid), { flag: "wx", mode: 0o600 });
			break;
		} catch (error) {
			// A disk that is full or a home that is read-only costs the note, never the checkpoint.
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") break;
			await untilSaved(dialect, id);
			// Not where there is none any more: the next one's may be there in the next moment.
			if ((await noteIn(file)) === "left") await rm(file, { force: true });
		}
	}
	try {
		return await save();
	} finally {
		await rm(file, { force: true }).catch(() => {});
	}
}

export async function isBeingSaved(dialect: Dialect, id: string): Promise<boolean> {
	return (await noteIn(savingFile(dialect, id))) === "true";
}

/** Whether it is true yet, or was left by a process that was killed. */
async function noteIn(file: string): Promise<"true" | "left" | "none"> {
	try {
		const [pid, { mtimeMs }] = await Promise.all([readFile(file, "utf8"), stat(file)]);
		const ageMs = Date.now() - mtimeMs;
		// The number of one that was killed may be another's since.
		const holds = pid === "" ? ageMs < UNNAMED_MS : ageMs < DEADLINES.checkpointMs && isAlive(Number(pid));
		return holds ? "true" : "left";
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "ENOENT" ? "none" : "left";
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
