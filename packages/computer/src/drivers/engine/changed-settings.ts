/**
 * What was changed about a container since it was made. Labels can not be changed, and Podman forgets a changed limit when the container stops, so that is
 * kept in the state directory, by container, and beside it what is being done to it (alone.ts). Without it the container is what its labels say.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LiveSettings } from "../../driver.js";
import { stateDirectory } from "../state-directory.js";
import type { Dialect } from "./dialect.js";

const KEYS = ["cpus", "memoryBytes", "pids", "idleStopMs"] as const satisfies readonly (keyof LiveSettings)[];
const ID = /^[0-9a-f]{12,64}$/;
/** What one process does to a container at a time. */
const DOINGS = ["saving", "naming"] as const;
const DOING = new RegExp(`\\.(${DOINGS.join("|")})$`);

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
	await writeFile(`${file}.new`, JSON.stringify(changes), { mode: 0o600 });
	await rename(`${file}.new`, file);
}

export async function forgetChanges(dialect: Dialect, id: string): Promise<void> {
	for (const file of [fileOf(dialect, id), ...DOINGS.map((doing) => noteFile(dialect, id, doing))])
		await rm(file, { force: true }).catch(() => {});
}

/** The containers that something is kept about. */
export async function changedContainers(dialect: Dialect): Promise<readonly string[]> {
	const names = (await readdir(directoryOf(dialect)).catch(() => [])).map((name) => name.replace(DOING, ""));
	return [...new Set(names.filter((name) => ID.test(name)))];
}

export function noteFile(dialect: Dialect, id: string, doing: (typeof DOINGS)[number]): string {
	return `${fileOf(dialect, id)}.${doing}`;
}

function directoryOf(dialect: Dialect): string {
	return join(stateDirectory(), "changed", dialect.name);
}

function fileOf(dialect: Dialect, id: string): string {
	return join(directoryOf(dialect), id);
}
