// Builds what a clone needs: TypeScript into dist/, the guest agent into packages/computer/agent/. What is up to date is left alone.
//   --install   run by `npm install`: a missing Go is told, and is not an error yet
//   --quiet     says nothing when there is nothing to do
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { withoutTls } from "./without-tls.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGE = join(ROOT, "packages/computer");
const AGENT = join(PACKAGE, "agent");
const GUEST = join(ROOT, "guest");
const ARCHITECTURES = ["amd64", "arm64"];
const GO_VERSION = /^go (\S+)$/m.exec(readFileSync(join(GUEST, "go.mod"), "utf8"))?.[1];
const NO_GO = `The guest agent was not built: it needs Go ${GO_VERSION} or newer, and there is no \`go\` on the PATH.
  Install Go (your system's package manager, or the Go project's download page), then run: npm run build
  The published npm package needs no Go: it carries the agent ready-made.`;

const install = process.argv.includes("--install");
const quiet = process.argv.includes("--quiet");

/** A failure whose message is all there is to say. `laterIsFine`: `npm install` itself is still a success. */
class BuildFailure extends Error {
	constructor(message, laterIsFine) {
		super(message);
		this.laterIsFine = laterIsFine;
	}
}

try {
	await buildTypeScript();
	for (const file of ["LICENSE", "README.md"]) {
		if (existsSync(join(ROOT, file))) copyFileSync(join(ROOT, file), join(PACKAGE, file));
	}
	buildAgent();
} catch (error) {
	if (!(error instanceof BuildFailure)) throw error;
	console.error(`\n${error.message}\n`);
	process.exitCode = error.laterIsFine && install ? 0 : 1;
}

async function buildTypeScript() {
	const started = performance.now();
	let tsc;
	try {
		tsc = createRequire(import.meta.url)
			.resolve("typescript/package.json")
			.replace("package.json", "bin/tsc");
	} catch {
		throw new BuildFailure("TypeScript is not installed here. Run `npm install` without --omit=dev, then `npm run build`.", true);
	}
	removeOrphans();
	const projects = readdirSync(join(ROOT, "packages")).filter((name) => existsSync(join(ROOT, "packages", name, "tsconfig.json")));
	run(process.execPath, [tsc, "--build", ...projects.map((name) => join("packages", name))], { cwd: ROOT });
	// Loaded here: without the tools for development there is no esbuild, and the words above are for that.
	await (await import("./bundle.mjs")).bundleCommand();
	linkCommand();
	if (!quiet) say("TypeScript", started);
}

/** What npm does for a command that is there when it installs; ours is built only after that. (On Windows npm writes shims: a second install does.) */
function linkCommand() {
	const cli = join(PACKAGE, "dist/lms-computer.cjs");
	const bin = join(ROOT, "node_modules/.bin");
	chmodSync(cli, 0o755);
	if (process.platform === "win32" || !existsSync(bin)) return;
	const link = join(bin, "lms-computer");
	rmSync(link, { force: true });
	symlinkSync(relative(bin, cli), link);
}

/** tsc leaves the output of a source that is gone; it would be packed and still be imported. */
function removeOrphans() {
	const output = join(PACKAGE, "dist");
	if (!existsSync(output)) return;
	for (const entry of readdirSync(output, { withFileTypes: true, recursive: true })) {
		const path = join(entry.parentPath, entry.name);
		const source = join(PACKAGE, "src", relative(output, path)).replace(/\.(js|d\.ts)(\.map)?$/, ".ts");
		if (entry.isFile() && source.endsWith(".ts") && !existsSync(source)) rmSync(path);
	}
}

function buildAgent() {
	const version = agentVersion();
	const stamp = join(AGENT, ".version");
	const built = existsSync(stamp) && ARCHITECTURES.every((arch) => existsSync(join(AGENT, `agent-linux-${arch}`)));
	if (built && readFileSync(stamp, "utf8") === version) {
		if (!quiet) console.log(`agent ${version}: up to date`);
		return;
	}
	mkdirSync(AGENT, { recursive: true });
	withoutTls(join(GUEST, "internal/notls"), (overlay) => {
		for (const arch of ARCHITECTURES) compile(arch, version, overlay);
	});
	writeFileSync(stamp, version);
}

function compile(arch, version, overlay) {
	const started = performance.now();
	const target = join(AGENT, `agent-linux-${arch}`);
	// By a rename, so that nobody ever copies half an agent.
	const fresh = `${target}.${process.pid}`;
	const flags = ["-trimpath", "-ldflags", `-s -w -buildid= -X main.version=${version}`, "-o", fresh];
	const options = { cwd: GUEST, env: { ...process.env, CGO_ENABLED: "0", GOOS: "linux", GOARCH: arch, GOFLAGS: "" } };
	const small = spawnSync("go", ["build", ...overlay, ...flags, "."], { ...options, encoding: "utf8" });
	if (small.status !== 0) {
		run("go", ["build", ...flags, "."], options);
		console.log(`The agent has TLS in it, which it has no use for: this Go can not leave it out.\n${small.stderr}`);
	}
	renameSync(fresh, target);
	say(`agent ${version} for linux/${arch}`, started);
}

/** The package's version and a hash of all that the agent is made from: a changed agent is a new version to the drivers. */
function agentVersion() {
	const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
	const hash = createHash("sha256");
	for (const file of sourcesBelow(GUEST).sort())
		hash
			.update(`${relative(GUEST, file)}\0`)
			.update(readFileSync(file))
			.update("\0");
	return `${version}-${hash.digest("hex").slice(0, 12)}`;
}

function sourcesBelow(directory) {
	return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
		const path = join(directory, entry.name);
		if (entry.isDirectory()) return entry.name === "testdata" ? [] : sourcesBelow(path);
		return entry.name === "go.mod" || (entry.name.endsWith(".go") && !entry.name.endsWith("_test.go")) ? [path] : [];
	});
}

function run(command, argv, options) {
	const result = spawnSync(command, argv, { stdio: "inherit", ...options });
	if (result.error?.code === "ENOENT") throw new BuildFailure(NO_GO, true);
	if (result.error) throw result.error;
	if (result.status !== 0)
		throw new BuildFailure(`\`${command === "go" ? "go build" : "tsc --build"}\` failed; its words are above.`, false);
}

function say(what, started) {
	console.log(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
