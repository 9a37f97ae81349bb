// The command line as one file, and a small one that loads it. Why: docs/decisions/0012-one-file-for-the-command-line.md
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PACKAGE = fileURLToPath(new URL("../packages/computer", import.meta.url));
/** What is small and always needed, and what it then loads. */
const FILES = { "lms-computer": "src/cli/start.ts", "command-line": "src/cli/main.ts" };

const LOADED_BY_START = {
	name: "command-line",
	setup: ({ onResolve }) => onResolve({ filter: /^\.\/main\.js$/ }, () => ({ path: "./command-line.cjs", external: true })),
};

export async function bundleCommand() {
	const { outputFiles } = await build({
		absWorkingDir: PACKAGE,
		entryPoints: FILES,
		outdir: "dist",
		outExtension: { ".js": ".cjs" },
		bundle: true,
		platform: "node",
		target: "node20.12",
		// A module runs when it is first needed, as with ESM's import(); ESM itself would load every module of Node's at the start, and link file by file.
		format: "cjs",
		// Of what is left outside each package can be required too, which takes less than an import.
		supported: { "dynamic-import": false },
		plugins: [LOADED_BY_START],
		external: Object.keys(manifest().dependencies),
		define: { "import.meta.url": "bundleUrl" },
		banner: { js: `${licenceOf("commander")}\nconst bundleUrl = require("node:url").pathToFileURL(__filename).href;` },
		// What is parsed at every start is less by a third; names stay, for who reads a stack.
		minifyWhitespace: true,
		minifySyntax: true,
		sourcemap: "linked",
		sourcesContent: false,
		legalComments: "none",
		write: false,
		logLevel: "warning",
	});
	for (const { path, contents } of outputFiles) {
		// By a rename: a test may be starting it.
		const fresh = `${path}.${process.pid}`;
		writeFileSync(fresh, contents, { mode: 0o755 });
		renameSync(fresh, path);
	}
}

function manifest() {
	return JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
}

/** What is in the bundle goes with its licence. */
function licenceOf(name) {
	const folder = dirname(createRequire(join(PACKAGE, "package.json")).resolve(name));
	const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	return `/*\n${name} ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n*/`;
}
