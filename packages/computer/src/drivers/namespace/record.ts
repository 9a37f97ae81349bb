/** What is kept about a machine on the host: machine.json by this driver, boot.json by the supervisor. */
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { MachineSpec } from "../../driver.js";
import { ComputerError, codeOfSystem } from "../../errors/index.js";
import { DEADLINES, NAME_PATTERN } from "../../limits.js";
import { completeSpec } from "../earlier-specs.js";
import { eraseBelow } from "./erase.js";

const SCHEMA = 1;
const RECORD = "machine.json";
/** A fork copies its files before it has its name. */
const MAX_UNFINISHED_AGE_MS = DEADLINES.checkpointMs + 60_000;

export interface MachineRecord {
	readonly schema: typeof SCHEMA;
	/** Unix time in ms. */
	readonly createdAt: number;
	readonly spec: MachineSpec;
}

/**
 * `already_exists` when the name is taken. The directory appears under its name complete or not at all, whoever else tries the same.
 * @param fill puts more into it before that
 */
export async function createRecord(
	root: string,
	spec: MachineSpec,
	agentPath: () => string,
	fill?: (unfinished: string) => Promise<void>,
): Promise<string> {
	await mkdir(root, { recursive: true, mode: 0o700 });
	await removeUnfinished(root, agentPath);
	const unfinished = join(root, `.new-${spec.name}-${process.pid}-${Math.random().toString(36).slice(2)}`);
	const directory = join(root, spec.name);
	try {
		await mkdir(unfinished, { mode: 0o700 });
		const record: MachineRecord = { schema: SCHEMA, createdAt: Date.now(), spec };
		await writeFile(join(unfinished, RECORD), JSON.stringify(record, null, "\t"), { mode: 0o600 });
		await fill?.(unfinished);
		// Onto a directory that is not empty, rename(2) fails; ours never are.
		await rename(unfinished, directory);
	} catch (error) {
		// What can not be removed is a leftover; the error is the one from before.
		await eraseBelow(agentPath, root, basename(unfinished)).catch(() => {});
		const code = codeOfSystem(error);
		if (code === "disk_full") throw diskFull(root, error);
		if (code !== "already_exists") throw error;
		throw new ComputerError("already_exists", `A computer named ${spec.name} is there already`, {
			cause: error,
			context: { name: spec.name },
		});
	}
	return directory;
}

function diskFull(root: string, cause: unknown): ComputerError {
	return new ComputerError("disk_full", `The disk of ${root}, where the machines are, has no room for another`, { cause });
}

/** What it is made from from now on. The old record or the new one is there, whole. */
export async function writeRecord(directory: string, record: MachineRecord): Promise<void> {
	const unfinished = join(directory, `.${RECORD}-${process.pid}-${Math.random().toString(36).slice(2)}`);
	try {
		// On the disk before it is renamed: after a loss of power the machine would else be there without what it is.
		await writeFile(unfinished, JSON.stringify(record, null, "\t"), { mode: 0o600, flush: true });
		await rename(unfinished, join(directory, RECORD));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		throw new ComputerError("machine_gone", `The machine ${record.spec.name} was removed`, { cause: error });
	}
}

/** What has the name of a machine. */
export async function machineNames(root: string): Promise<readonly string[]> {
	const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return [];
		throw error;
	});
	return names.filter((name) => NAME_PATTERN.test(name)).sort();
}

/** What processes that were killed in the middle left. */
async function removeUnfinished(root: string, agentPath: () => string): Promise<void> {
	for (const path of await findUnfinished(root)) await eraseBelow(agentPath, root, basename(path)).catch(() => {});
}

export async function findUnfinished(root: string): Promise<readonly string[]> {
	const paths = (await readdir(root).catch(() => [])).filter((name) => name.startsWith(".")).map((name) => join(root, name));
	const made = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
	return paths.filter((_, index) => (made[index]?.mtimeMs ?? Number.POSITIVE_INFINITY) < Date.now() - MAX_UNFINISHED_AGE_MS);
}

/** It has no record at all: a removal, which takes that first, was cut short. One that can not be read is another matter: the files are all there. */
export async function lacksRecord(directory: string): Promise<boolean> {
	return await stat(join(directory, RECORD)).then(
		() => false,
		(error: NodeJS.ErrnoException) => error.code === "ENOENT",
	);
}

/** Undefined when it is missing, cut short or of another schema: the machine is broken. */
export async function readRecord(directory: string): Promise<MachineRecord | undefined> {
	const value = (await readJson(join(directory, RECORD))) as Partial<MachineRecord> | undefined;
	const known = value?.schema === SCHEMA && typeof value.createdAt === "number" && typeof value.spec?.name === "string";
	return known ? { ...(value as MachineRecord), spec: completeSpec((value as MachineRecord).spec) } : undefined;
}

/** What was asked for and does not hold since the last start. */
export async function readWarnings(directory: string): Promise<readonly string[]> {
	const value = (await readJson(join(directory, "boot.json"))) as { warnings?: unknown } | undefined;
	return Array.isArray(value?.warnings) ? value.warnings.map(String) : [];
}

/** When the directory was made, or undefined when there is none. */
export async function directoryTime(directory: string): Promise<number | undefined> {
	try {
		const found = await stat(directory);
		return found.isDirectory() ? Math.round(found.birthtimeMs) : undefined;
	} catch {
		return undefined;
	}
}

export async function readJson(path: string): Promise<unknown> {
	try {
		const value: unknown = JSON.parse(await readFile(path, "utf8"));
		return typeof value === "object" && value !== null ? value : undefined;
	} catch {
		return undefined;
	}
}
