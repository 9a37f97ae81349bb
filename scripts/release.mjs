// Makes what a release is, in release/: the npm package, what it is made of (CycloneDX), checksums. Publishes nothing:
//   npm run release             everything, after the known vulnerabilities of the dependencies were asked for
//   npm run release -- --offline  without asking for them
// Then, from a CI that can prove where it built: npm publish --provenance --access public release/lms-computer-VERSION.tgz
import { execFileSync } from "node:child_process";
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
if (!process.argv.includes("--offline")) run("npm", ["audit", "--omit=dev"]);

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
