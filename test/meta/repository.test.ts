import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromRoot, repositoryFiles } from "../support/repository.js";

const SOURCE = /^(packages\/[^/]+\/src|guest)\/.*\.(ts|go)$/;
const BINARY = /\.(png|gif|ico|woff2)$/;

const lines = (path: string) => readFileSync(fromRoot(path), "utf8").trimEnd().split("\n").length;

test("no source file is over 400 lines", () => {
	const sizes = repositoryFiles()
		.filter((path) => SOURCE.test(path) && !path.endsWith("_test.go"))
		.map((path) => ({ path, lines: lines(path) }))
		.sort((a, b) => a.lines - b.lines);
	console.log(
		`${sizes.length} source files, median ${sizes[sizes.length >> 1]?.lines} lines, longest ${sizes.at(-1)?.lines} (${sizes.at(-1)?.path})`,
	);
	expect(sizes.filter((size) => size.lines > 400)).toEqual([]);
});

/** Built from parts, so that this file does not hold what it forbids. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
	["a path of one machine", new RegExp(`(?<![\\w.$}-])/(?:${["work", "root/\\.(?:npm|cache|config)"].join("|")})/`)],
	[
		"a registry's host",
		new RegExp(["docker\\.io/", "registry\\.np" + "mjs", "proxy\\.go" + "lang", "gh" + "cr\\.io", "qu" + "ay\\.io"].join("|")),
	],
	["unfinished work", new RegExp(`\\b(?:${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`)],
	["a private key or a token", new RegExp(["BEGIN [A-Z ]*PRIVATE " + "KEY", "gh" + "p_\\w{20}", "np" + "m_\\w{20}"].join("|"))],
];

test.each(FORBIDDEN)("no file holds %s", (_, pattern) => {
	const found = repositoryFiles()
		.filter((path) => !BINARY.test(path) && path !== "package-lock.json")
		.flatMap((path) =>
			readFileSync(fromRoot(path), "utf8")
				.split("\n")
				.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
		);
	expect(found).toEqual([]);
});

const lock = readFileSync(fromRoot("package-lock.json"), "utf8");

test("the lock file names no registry", () => {
	expect(lock).not.toMatch(/"resolved": "https?:/);
});

// npm leaves out what the registry in use does not have, and `npm ci` then fails on every other one.
test("the lock file holds the native parts for every platform", () => {
	const { packages } = JSON.parse(lock) as { packages: Record<string, { optionalDependencies?: Record<string, string> }> };
	const names = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)));
	const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
	expect(wanted.filter((name) => !names.has(name))).toEqual([]);
});

test("every file and folder is named in kebab-case, or as its tool wants it", () => {
	const odd = repositoryFiles().filter(
		(path) => SOURCE.test(path) && !/^[a-z0-9-]+(\.d)?(_test|_linux|_amd64|_arm64)*\.(ts|go)$/.test(path.split("/").at(-1) ?? ""),
	);
	expect(odd).toEqual([]);
});
