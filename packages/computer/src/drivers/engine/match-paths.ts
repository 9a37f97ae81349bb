import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Paths for an absolute pattern, sorted. Only a `*` is looked up: what follows the last one, or a pattern without one, need not exist. */
export async function matchPaths(pattern: string): Promise<readonly string[]> {
	let found = ["/"];
	for (const segment of pattern.split("/").filter(Boolean)) {
		const test = new RegExp(`^${segment.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`);
		const expand = async (directory: string): Promise<string[]> => {
			if (!segment.includes("*")) return [join(directory, segment)];
			const names = await readdir(directory).catch(() => []);
			return names.filter((name) => test.test(name)).map((name) => join(directory, name));
		};
		found = (await Promise.all(found.map(expand))).flat();
	}
	return found.sort();
}
