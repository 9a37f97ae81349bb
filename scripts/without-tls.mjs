/** The agent without TLS: see docs/decisions/0014-no-tls-in-the-agent.md. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Calls `build` with what tells `go build` to take the package in the folder `instead` for crypto/tls.
 * @param {string} instead
 * @param {(flags: string[]) => void} build
 */
export function withoutTls(instead, build) {
	const root = spawnSync("go", ["env", "GOROOT"], { cwd: instead, encoding: "utf8" }).stdout?.trim();
	if (!root) return build([]); // it will say what is wrong with this Go
	const library = join(root, "src/crypto/tls");
	const directory = mkdtempSync(join(tmpdir(), "lms-computer-build-"));
	try {
		const replaced = sources(library).map((name) => [join(library, name), ""]);
		const added = sources(instead).map((name) => [join(library, name), join(instead, name)]);
		const overlay = join(directory, "overlay.json");
		writeFileSync(overlay, JSON.stringify({ Replace: Object.fromEntries([...replaced, ...added]) }));
		build(["-overlay", overlay]);
	} finally {
		rmSync(directory, { recursive: true });
	}
}

function sources(directory) {
	return readdirSync(directory).filter((name) => name.endsWith(".go") && !name.endsWith("_test.go"));
}
