import { mkdirSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import { stateDirectory } from "./drivers/state-directory.js";

/** Since Node 22.1. */
type Enable = (directory: string) => unknown;

/**
 * Node keeps what it compiled from now on, and the next process need not. In a directory that is the user's alone: Node's own default is below /tmp, where
 * another user can be first, and what is in it is run.
 */
export function keepCompiled(): void {
	const { enableCompileCache } = module as { readonly enableCompileCache?: Enable };
	if (enableCompileCache === undefined) return;
	const directory = join(stateDirectory(), "compile-cache");
	try {
		mkdirSync(directory, { recursive: true, mode: 0o700 });
		enableCompileCache(directory);
	} catch {} // a full disk, a home that is read-only: it costs time alone
}
