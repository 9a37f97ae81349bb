import { accessSync, chmodSync, constants, readdirSync } from "node:fs";
import { join } from "node:path";

/** A hub or an archive may lose the mode of a file, and without an engine the agent is a program of this host. A folder that is read-only stays as it is. */
export function makeAgentsRunnable(folder = join(__dirname, "../agent")): void {
	try {
		for (const name of readdirSync(folder)) makeRunnable(join(folder, name));
	} catch {}
}

function makeRunnable(path: string): void {
	try {
		accessSync(path, constants.X_OK);
	} catch {
		chmodSync(path, 0o755);
	}
}
