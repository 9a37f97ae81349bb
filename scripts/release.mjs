// Makes what a release is, in release/: the npm package, what it is made of (CycloneDX), checksums. Publishes nothing:
//   npm run release             everything, after the known vulnerabilities of the dependencies were asked for
//   npm run release -- --offline  without asking for them, which it says at the end. Not every registry answers: a mirror may have no such service.
// Then, from a CI that can prove where it built: npm publish --provenance --access public release/lms-computer-VERSION.tgz
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RELEASE = join(ROOT, "release");
const PACKAGE = join(ROOT, "packages/computer");

const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
if (output("git", ["status", "--porcelain"]) !== "")
	stop("the work tree has changes that are not committed: commit them, so that a release is a commit");
if (!readFileSync(join(ROOT, "CHANGELOG.md"), "utf8").includes(`## ${version}`))
	console.warn(`CHANGELOG.md has no part for ${version} yet`);

run("node", ["scripts/build.mjs"]);
const offline = process.argv.includes("--offline");
if (!offline) audit();

rmSync(RELEASE, { recursive: true, force: true });
mkdirSync(RELEASE);
const packed = JSON.parse(output("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", RELEASE], PACKAGE));
const tarball = join(RELEASE, packed[0].filename);

// What a user gets: installed from the tarball alone, without any script.
const place = mkdtempSync(join(tmpdir(), "lms-release-"));
try {
	writeFileSync(join(place, "package.json"), JSON.stringify({ name: "installed", version: "1.0.0", private: true }));
	run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", tarball], place);
	const answer = output(join(place, "node_modules/.bin/lms-computer"), ["--version"]).trim();
	if (answer !== version) stop(`the installed command says ${answer}, expected ${version}`);
	writeFileSync(
		join(RELEASE, "sbom.cdx.json"),
		output("npm", ["sbom", "--sbom-format", "cyclonedx", "--omit=dev"], place).replaceAll(`file:${RELEASE}/`, "file:"),
	);
} finally {
	rmSync(place, { recursive: true, force: true });
}

const sums = readdirSync(RELEASE)
	.sort()
	.map(
		(name) =>
			`${createHash("sha256")
				.update(readFileSync(join(RELEASE, name)))
				.digest("hex")}  ${name}\n`,
	);
writeFileSync(join(RELEASE, "SHA256SUMS"), sums.join(""));
console.log(`release/ has ${version}:\n${sums.join("")}`);
if (offline) console.warn("Nobody was asked for known vulnerabilities: do so before you publish, with `npm audit --omit=dev`.");

/** What is not an answer is no clean one. */
function audit() {
	const { stdout, error } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
		cwd: ROOT,
		encoding: "utf8",
		maxBuffer: 64 * 1024 * 1024,
	});
	const answer = error === undefined ? parsed(stdout) : { message: error.message };
	const found = answer.metadata?.vulnerabilities;
	if (typeof found?.total !== "number") {
		stop(
			`nobody answered whether the dependencies have known vulnerabilities (${answer.message ?? "no reason given"}): ask again, or another registry, or release with --offline and ask before you publish`,
		);
	}
	if (found.total > 0) {
		console.error(
			Object.values(answer.vulnerabilities ?? {})
				.map(({ name, severity, range }) => `${name} ${range}: ${severity}`)
				.join("\n"),
		);
		stop(`the dependencies have ${found.total} known vulnerabilities: \`npm audit --omit=dev\` tells more`);
	}
}

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return { message: "what it said is no JSON" };
	}
}

function run(command, argv, cwd = ROOT) {
	execFileSync(command, argv, { cwd, stdio: ["ignore", "inherit", "inherit"] });
}

function output(command, argv, cwd = ROOT) {
	return execFileSync(command, argv, { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, stdio: ["ignore", "pipe", "inherit"] });
}

function stop(reason) {
	console.error(`release: ${reason}`);
	process.exit(1);
}
