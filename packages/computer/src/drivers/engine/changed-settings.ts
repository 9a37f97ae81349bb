/**
 * What was changed about a container since it was made. Labels can not be changed, and Podman forgets a changed limit when the container stops, so that is
 * kept in the state directory, by container, and beside it what is being done to it (alone.ts). Without it the container is what its labels say.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LiveSettings } from "../../driver.js";
import { stateDirectory } from "../state-directory.js";
import type { Dialect } from "./dialect.js";

const KEYS = ["cpus", "memoryBytes", "pids", "idleStopMs"] as const satisfies readonly (keyof LiveSettings)[];
const ID = /^[0-9a-f]{12,64}$/;

export async function readChanges(dialect: Dialect, id: string): Promise<LiveSettings> {
	try {
		const value = JSON.parse(await readFile(fileOf(dialect, id), "utf8")) as Record<string, unknown>;
		const isSetting = (entry: unknown): boolean => typeof entry === "number" && Number.isFinite(entry) && entry >= 0;
		return Object.fromEntries(KEYS.filter((key) => isSetting(value[key])).map((key) => [key, value[key]]));
	} catch {
		return {};
	}
}

export async function writeChanges(dialect: Dialect, id: string, changes: LiveSettings): Promise<void> {
	const file = fileOf(dialect, id);
	await mkdir(directoryOf(dialect), { recursive: true, mode: 0o700 });
	// Two may write at once.
	const unfinished = `${file}.${randomBytes(6).toString("hex")}`;
	await writeFile(unfinished, JSON.stringify(changes), { mode: 0o600 });
	await rename(unfinished, file);
}

/** And whatever else is kept beside it. */
export async function forgetChanges(dialect: Dialect, id: string): Promise<void> {
	const directory = directoryOf(dialect);
	const names = await readdir(directory).catch(() => []);
	for (const name of names.filter((one) => containerOf(one) === id)) await rm(join(directory, name), { force: true }).catch(() => {});
}

/** The containers that something is kept about. */
export async function changedContainers(dialect: Dialect): Promise<readonly string[]> {
	const names = (await readdir(directoryOf(dialect)).catch(() => [])).map(containerOf);
	return [...new Set(names.filter((name) => ID.test(name)))];
}

function containerOf(file: string): string {
	return file.replace(/\..*$/, "");
}

/** What one process does to the container at a time. */
export function noteFile(dialect: Dialect, id: string, doing: "saving" | "naming"): string {
	return `${fileOf(dialect, id)}.${doing}`;
}

function directoryOf(dialect: Dialect): string {
	return join(stateDirectory(), "changed", dialect.name);
}

function fileOf(dialect: Dialect, id: string): string {
	return join(directoryOf(dialect), id);
}
