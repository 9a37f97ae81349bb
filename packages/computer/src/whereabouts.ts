/**
 * Which driver had a computer last, by name: a hint that spares asking every driver, one of which may first have to start
 * a service. Never trusted: what it says is looked up, and a hint that is wrong, damaged or missing costs time alone.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DriverName } from "./driver.js";
import { stateDirectory } from "./drivers/state-directory.js";
import { NAME_PATTERN } from "./limits.js";
import { DRIVER_NAMES } from "./options/settings.js";

export async function recall(name: string): Promise<DriverName | undefined> {
	const word = await readFile(fileOf(name), "utf8").catch(() => "");
	return DRIVER_NAMES.find((driver) => driver === word.trim());
}

/** Of which computers something is remembered, in the order of their names. */
export async function rememberedNames(): Promise<readonly string[]> {
	return (await readdir(directory()).catch(() => [])).filter((name) => NAME_PATTERN.test(name)).sort();
}

/** Failing is fine: a full disk, a home that is read-only. */
export async function remember(name: string, driver: DriverName): Promise<void> {
	const file = fileOf(name);
	try {
		await mkdir(dirname(file), { recursive: true, mode: 0o700 });
		await writeFile(file, `${driver}\n`);
	} catch {}
}

/** Unless another driver has one of that name. */
export async function forget(name: string, driver: DriverName): Promise<void> {
	if ((await recall(name)) === driver) await rm(fileOf(name), { force: true }).catch(() => {});
}

function fileOf(name: string): string {
	return join(directory(), name);
}

function directory(): string {
	return join(stateDirectory(), "last-driver");
}
