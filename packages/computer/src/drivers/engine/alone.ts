/**
 * What one process of this host does to a container at a time: said in the state directory, by container and what is done, with the number of the process, for the
 * others to wait.
 */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Abortable } from "../../driver.js";
import { canceled } from "./deadline.js";

const LOOK_MS = 50;
/** From a file to the number in it: one that has none for longer is of a process that was killed in between. */
const UNNAMED_MS = 1_000;

export interface Note {
	readonly file: string;
	/** Nobody is at it for longer: the number of a process that was killed may be another's since. */
	readonly limitMs: number;
}

export async function alone<T>(note: Note, run: () => Promise<T>): Promise<T> {
	const { file } = note;
	for (;;) {
		try {
			await mkdir(dirname(file), { recursive: true, mode: 0o700 });
			await writeFile(file, String(process.pid), { flag: "wx", mode: 0o600 });
			break;
		} catch (error) {
			// A disk that is full or a home that is read-only costs the note, never what is to be done.
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") break;
			while (await isTaken(note)) await pause(LOOK_MS);
			// Not where there is none any more: the next one's may be there in the next moment.
			if ((await read(note)) === "left") await rm(file, { force: true });
		}
	}
	try {
		return await run();
	} finally {
		await rm(file, { force: true }).catch(() => {});
	}
}

export async function isTaken(note: Note): Promise<boolean> {
	return (await read(note)) === "true";
}

/** @param action for the error of who does not wait any longer, to follow "could not" */
export async function untilFree(note: Note, action: string, { signal }: Abortable = {}): Promise<void> {
	while (await isTaken(note)) {
		await pause(LOOK_MS, undefined, { signal }).catch(() => {
			throw canceled(action, signal);
		});
	}
}

/** Whether it is true yet, or was left by a process that was killed. */
async function read({ file, limitMs }: Note): Promise<"true" | "left" | "none"> {
	try {
		const [pid, { mtimeMs }] = await Promise.all([readFile(file, "utf8"), stat(file)]);
		const ageMs = Date.now() - mtimeMs;
		const holds = pid === "" ? ageMs < UNNAMED_MS : ageMs < limitMs && isAlive(Number(pid));
		return holds ? "true" : "left";
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "ENOENT" ? "none" : "left";
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
