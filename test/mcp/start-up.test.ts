import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { fromRoot } from "../support/repository.js";

const DIST = fromRoot("packages/computer/dist");

/** What a module loads before it does anything: ours, and the packages. */
function loaded(file: string, seen = new Set<string>()): Set<string> {
	if (seen.has(file)) return seen;
	seen.add(file);
	for (const [, name = ""] of readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^;]*?(?:from )?"([^"]+)";$/gm)) {
		if (name.startsWith(".")) loaded(join(dirname(file), name), seen);
		else seen.add(name);
	}
	return seen;
}

test("no other command pays for the libraries of the servers", () => {
	const names = [...loaded(join(DIST, "cli/program.js")), ...loaded(join(DIST, "cli/commands/exec.js"))];
	expect(names).toContain("commander");
	const own = names.map((name) => name.replace(DIST, ""));
	expect(own.filter((name) => /modelcontextprotocol|zod|jsonc|toml|hono|^\/mcp\/(?!setup\/client-names)|^\/http\//.test(name))).toEqual([]);
	// The other way round, so that the test is known to see something.
	expect([...loaded(join(DIST, "mcp/stdio.js"))]).toContain("@modelcontextprotocol/server/stdio");
});
