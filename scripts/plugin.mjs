// `npm run plugin`: the LM Studio plugin as one self-contained folder, for `lms dev --install` and `lms push`.
//   --out DIRECTORY   where to (default: dist/lmstudio-plugin)
//   --owner NAME      your name on LM Studio's hub, which `lms push` asks for
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGE = join(ROOT, "packages/lmstudio");
const COMPUTER = join(ROOT, "packages/computer");
/** What LM Studio compiles a plugin for. */
const TARGET = "node18.16";

const { values } = parseArgs({ options: { out: { type: "string" }, owner: { type: "string" } } });
const out = resolve(values.out ?? join(ROOT, "dist/lmstudio-plugin"));

const built = spawnSync(process.execPath, [join(ROOT, "scripts/build.mjs"), "--quiet"], { stdio: "inherit" });
if (built.status !== 0) process.exit(built.status ?? 1);

clear(out);
copySources();
await bundleLibrary();
copyAgents();
writePackage();
for (const file of ["README.md", ".lmsignore"]) copyFileSync(join(PACKAGE, file), join(out, file));
copyFileSync(join(ROOT, "LICENSE"), join(out, "LICENSE"));
console.log(`the plugin is in ${out}\n  install it:  cd ${out} && lms dev --install`);

/** What an earlier run or LM Studio put there goes; a folder of somebody else's is left alone. */
function clear(directory) {
	if (existsSync(directory) && readdirSync(directory).length > 0 && !existsSync(join(directory, "manifest.json"))) {
		console.error(`${directory} holds something that is no plugin: name another one with --out`);
		process.exit(1);
	}
	rmSync(directory, { recursive: true, force: true });
	mkdirSync(directory, { recursive: true });
}

/** As they are: LM Studio compiles TypeScript itself. Only library.ts becomes library.js, which the others import under that name already. */
function copySources() {
	cpSync(join(PACKAGE, "src"), join(out, "src"), { recursive: true, filter: (path) => basename(path) !== "library.ts" });
}

/**
 * `lms-computer` is on no registry: all that the plugin needs of it, with what it depends on, is one file. LM Studio bundles that file once more, from
 * src/ into .lmstudio/; `__dirname` is then that folder, and the agents are beside both.
 */
async function bundleLibrary() {
	const { metafile, outputFiles } = await build({
		entryPoints: [join(PACKAGE, "src/library.ts")],
		outfile: join(out, "src/library.js"),
		bundle: true,
		platform: "node",
		format: "cjs",
		target: TARGET,
		// Native parts that ssh2 tries and does without.
		external: ["*.node", "cpu-features"],
		define: { "import.meta.url": "lmsComputerModule" },
		banner: {
			js: `// Made by \`npm run plugin\` of lms-computer. The licences of what is in it: ../THIRD-PARTY.txt
const lmsComputerModule = require("node:url").pathToFileURL(require("node:path").join(__dirname, "../dist/any.js")).href;`,
		},
		legalComments: "none",
		charset: "utf8",
		metafile: true,
		write: false,
		logLevel: "warning",
		absWorkingDir: ROOT,
	});
	// What asn1 means: LM Studio's bundler would warn its user of the slip.
	const code = outputFiles[0].text.replaceAll("!strings instanceof Array", "!(strings instanceof Array)");
	writeFileSync(join(out, "src/library.js"), code);
	writeFileSync(join(out, "THIRD-PARTY.txt"), licences(Object.keys(metafile.inputs)));
}

/** Of every package that the bundle holds a file of: its name, version and licence text. */
function licences(inputs) {
	const folders = new Set(inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
	const parts = [...folders].sort().map((folder) => {
		const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
		const file = readdirSync(join(ROOT, folder)).find((entry) => /^licen[cs]e/i.test(entry));
		const text = file === undefined ? "" : `\n\n${readFileSync(join(ROOT, folder, file), "utf8").trim()}`;
		return `${name} ${version} (${license ?? "see its licence"})${text}\n`;
	});
	return `src/library.js holds code of these packages.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

function copyAgents() {
	mkdirSync(join(out, "agent"));
	for (const arch of ["amd64", "arm64"]) {
		const agent = join(out, `agent/agent-linux-${arch}`);
		copyFileSync(join(COMPUTER, `agent/agent-linux-${arch}`), agent);
		chmodSync(agent, 0o755);
	}
}

/** LM Studio reads the folder's own package.json and lock. Its code is CommonJS once it is bundled: no `"type": "module"`. */
function writePackage() {
	const { name, version, description, license, dependencies } = readJson(join(PACKAGE, "package.json"));
	writeJson("package.json", { name, version, private: true, description, license, dependencies });
	writeJson("package-lock.json", lock({ name, version, license, dependencies }));
	const manifest = readJson(join(PACKAGE, "manifest.json"));
	writeJson("manifest.json", { ...manifest, owner: values.owner ?? manifest.owner });
}

/**
 * The part of the repository's lock that the plugin's dependencies reach, each at the top: the SDK's zod is nested in the repository, where another door
 * has a newer one, and zod-to-json-schema is to find the same.
 */
function lock(root) {
	const { packages, lockfileVersion } = readJson(join(ROOT, "package-lock.json"));
	const wanted = {};
	const add = (name, from) => {
		const found = find(packages, name, from);
		const { dev, peer, ...entry } = packages[found];
		const place = `node_modules/${name}`;
		if (wanted[place] === undefined) {
			wanted[place] = entry;
			for (const dependency of Object.keys(entry.dependencies ?? {})) add(dependency, found);
		} else if (wanted[place].version !== entry.version) {
			throw new Error(`the plugin would need ${name} in two versions, ${wanted[place].version} and ${entry.version}`);
		}
	};
	for (const dependency of Object.keys(root.dependencies)) add(dependency, "packages/lmstudio");
	const sorted = Object.entries(wanted).sort(([a], [b]) => (a < b ? -1 : 1));
	return { name: root.name, version: root.version, lockfileVersion, requires: true, packages: Object.fromEntries([["", root], ...sorted]) };
}

/** As Node looks: in the package's own node_modules, then in those above. */
function find(packages, name, from) {
	for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf("/")))) {
		const path = `${place === "" ? "" : `${place}/`}node_modules/${name}`;
		if (packages[path] !== undefined) return path;
		if (place === "") throw new Error(`${name}, which ${from} needs, is not in package-lock.json`);
	}
}

function readJson(path) {
	return JSON.parse(readFileSync(path, "utf8"));
}

function writeJson(name, value) {
	writeFileSync(join(out, name), `${JSON.stringify(value, undefined, 2)}\n`);
}
