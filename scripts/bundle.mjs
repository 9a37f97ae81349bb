// The command line as one file, and a small one that loads it. Why: docs/decisions/0012-one-file-for-the-command-line.md
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PACKAGE = fileURLToPath(new URL("../packages/computer", import.meta.url));

export async function bundleCommand() {
	const sha256 = await bundle("src/cli/main.ts", "dist/command-line.cjs", { banner: licenceOf("commander") });
	await bundle("src/cli/start.ts", "dist/lms-computer.cjs", { define: { BUNDLE_SHA256: JSON.stringify(sha256) } });
}

/** Answers the SHA-256 of the file. */
async function bundle(source, outfile, { banner = "", define = {} }) {
	const { outputFiles } = await build({
		absWorkingDir: PACKAGE,
		entryPoints: [source],
		outfile,
		bundle: true,
		platform: "node",
		target: "node20.12",
		// A module runs when it is first needed, as with ESM's import(); ESM itself would load every module of Node's at the start, and link file by file.
		format: "cjs",
		// Of what is left outside each package can be required too, which takes less than an import.
		supported: { "dynamic-import": false },
		external: Object.keys(JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")).dependencies),
		define: { "import.meta.url": "bundleUrl", ...define },
		banner: { js: `${banner}const bundleUrl = require("node:url").pathToFileURL(__filename).href;` },
		// What is parsed is less by a third; names stay, for who reads a stack.
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
	return createHash("sha256")
		.update(outputFiles.find(({ path }) => path.endsWith(".cjs")).contents)
		.digest("hex");
}

/** What is in the bundle goes with its licence. */
function licenceOf(name) {
	const folder = dirname(createRequire(join(PACKAGE, "package.json")).resolve(name));
	const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	return `/*\n${name} ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n*/\n`;
}
