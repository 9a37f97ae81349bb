import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What .gitignore leaves out, in the terms of a walk. */
const NOT_SOURCES = new Set([
	".git",
	"node_modules",
	"dist",
	"coverage",
	"release",
	"bench/results",
	"packages/computer/agent",
	"packages/computer/LICENSE",
	"packages/computer/README.md",
]);

/** A path of the repository. */
export function fromRoot(...segments: string[]): string {
	return join(ROOT, ...segments);
}

/** Every file of the repository below a directory of it, relative to the root. */
export function repositoryFiles(directory = "."): string[] {
	return readdirSync(fromRoot(directory), { withFileTypes: true }).flatMap((entry) => {
		const path = relative(ROOT, fromRoot(directory, entry.name));
		if (NOT_SOURCES.has(entry.name) || NOT_SOURCES.has(path)) return [];
		return entry.isDirectory() ? repositoryFiles(path) : [path];
	});
}
