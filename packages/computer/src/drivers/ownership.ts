/**
 * Whose machines are ours: a random id in the state directory, on the label of everything that is made. Two users, two hosts or two state directories on one
 * engine have two, and none lists, counts or clears away what is the other's.
 */
import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { stateDirectory } from "./state-directory.js";

const PATTERN = /^[0-9a-f]{16}$/;

const known = new Map<string, Promise<string>>();

export function ownerId(directory = stateDirectory()): Promise<string> {
	const owner = known.get(directory) ?? readOrMake(directory);
	known.set(directory, owner);
	return owner;
}

async function readOrMake(directory: string): Promise<string> {
	const file = join(directory, "owner");
	const before = await read(file);
	if (before !== undefined) return before;
	const made = join(directory, `.owner-${randomBytes(6).toString("hex")}`);
	try {
		await mkdir(directory, { recursive: true, mode: 0o700 });
		await writeFile(made, `${randomBytes(8).toString("hex")}\n`, { mode: 0o600 });
		// Not where there is none: somebody else's may be there in the next moment.
		if (await isDamaged(file)) await rm(file, { force: true });
		// Of several at once one wins, and it is whole when it is there.
		await link(made, file).catch((error: NodeJS.ErrnoException) => {
			if (error.code !== "EEXIST") throw error;
		});
		return (await read(file)) ?? fallback(directory);
	} catch {
		return fallback(directory);
	} finally {
		await rm(made, { force: true }).catch(() => {});
	}
}

async function read(file: string): Promise<string | undefined> {
	const text = (await readFile(file, "utf8").catch(() => "")).trim();
	return PATTERN.test(text) ? text : undefined;
}

/** A file is there whose text is no id, as one that was cut short. */
async function isDamaged(file: string): Promise<boolean> {
	const text = await readFile(file, "utf8").catch(() => undefined);
	return text !== undefined && !PATTERN.test(text.trim());
}

/** Where nothing can be written: the same each time, and unlike that of other hosts and users as far as can be. */
function fallback(directory: string): string {
	return createHash("sha256")
		.update(`${hostname()}\n${process.getuid?.() ?? ""}\n${directory}`)
		.digest("hex")
		.slice(0, 16);
}
