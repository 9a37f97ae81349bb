/**
 * A preset that nobody asked for is not tried again for a while after it failed: without a network each new computer would wait for it.
 * In files, since a command line's process lives for one command.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DEADLINES } from "../../limits.js";
import { stateDirectory } from "../state-directory.js";

const MAX_REASON_LENGTH = 1000;

function fileOf(key: string): string {
	return join(stateDirectory(), "presets", createHash("sha256").update(key).digest("hex").slice(0, 24));
}

/** Why it failed a short while ago; undefined: try. */
export async function recentFailure(key: string): Promise<string | undefined> {
	try {
		const { mtimeMs } = await stat(fileOf(key));
		if (Date.now() - mtimeMs < DEADLINES.presetRetryMs) return (await readFile(fileOf(key), "utf8")).slice(0, MAX_REASON_LENGTH);
		await unlink(fileOf(key));
	} catch {
		// None, or not to be read: it is tried.
	}
	return undefined;
}

/** Best effort: what can not be written down is tried again too soon. */
export async function rememberFailure(key: string, reason: string): Promise<void> {
	try {
		await mkdir(join(stateDirectory(), "presets"), { recursive: true, mode: 0o700 });
		await writeFile(fileOf(key), reason.slice(0, MAX_REASON_LENGTH), { mode: 0o600 });
	} catch {
		// See above.
	}
}
