import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as source from "lms-computer";
import { describe, expect, test } from "vitest";
import { fromRoot, repositoryFiles } from "../support/repository.js";

const PACKAGE = fromRoot("packages/computer");

interface Packed {
	readonly files: readonly { readonly path: string; readonly mode: number; readonly size: number }[];
}

function pack(): Packed["files"] {
	const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
		cwd: PACKAGE,
		encoding: "utf8",
		stdio: ["ignore", "pipe", "pipe"],
	});
	const [packed] = JSON.parse(output) as Packed[];
	return packed?.files ?? [];
}

describe("the npm package", () => {
	const files = pack();
	const paths = files.map((file) => file.path);

	test("holds the compiled library, the command line, both agents and nothing else", () => {
		const compiled = repositoryFiles("packages/computer/src").flatMap((path) => {
			const stem = path.replace("packages/computer/src/", "dist/").replace(/\.ts$/, "");
			return path.endsWith(".d.ts") || /^dist\/(cli|http|mcp)\//.test(stem) ? [] : [`${stem}.d.ts`, `${stem}.js`];
		});
		const command = ["command-line", "lms-computer"].flatMap((name) => [`dist/${name}.cjs`, `dist/${name}.cjs.map`]);
		const others = [...command, "agent/agent-linux-amd64", "agent/agent-linux-arm64", "LICENSE", "package.json"];
		const readme = existsSync(fromRoot("README.md")) ? ["README.md"] : [];
		expect(paths.toSorted()).toEqual([...compiled, ...others, ...readme].toSorted());
	});

	test("carries agents that run on their machine, static, stripped and without TLS", () => {
		for (const [arch, machine] of [
			["amd64", 62],
			["arm64", 183],
		] as const) {
			const agent = files.find((file) => file.path === `agent/agent-linux-${arch}`);
			expect(agent?.size, arch).toBeLessThan(6.5 * 1024 * 1024);
			expect((agent?.mode ?? 0) & 0o111, arch).toBe(0o111);
			const program = readFileSync(`${PACKAGE}/agent/agent-linux-${arch}`);
			expect(program.includes("net/http.(*conn).serve"), arch).toBe(true);
			expect(program.includes("crypto/tls.(*Conn).clientHandshake"), arch).toBe(false);
			const header = program.subarray(0, 20);
			expect(header.subarray(0, 4).toString("latin1"), arch).toBe("\x7fELF");
			expect(header.readUInt16LE(18), arch).toBe(machine);
		}
	});

	test("has all that its library imports", () => {
		const published = new Set(paths);
		for (const path of paths.filter((name) => name.endsWith(".js"))) {
			const text = readFileSync(`${PACKAGE}/${path}`, "utf8");
			for (const [, file = ""] of text.matchAll(/\b(?:from|import)[ (]*"(\.[^"]+)"/g))
				expect(published, path).toContain(join(dirname(path), file));
		}
	});

	test("runs no script when it is installed", () => {
		const { scripts = {} } = JSON.parse(readFileSync(`${PACKAGE}/package.json`, "utf8")) as { scripts?: Record<string, string> };
		for (const name of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(name);
	});

	test("exports from dist what the sources export, 25 names at most", async () => {
		const built = (await import(`${PACKAGE}/dist/index.js`)) as object;
		expect(Object.keys(built)).toEqual(Object.keys(source));
		expect(exportedNames().length).toBeLessThanOrEqual(25);
	});
});

/** Types count too, so the text is read: index.ts has named exports and nothing else. */
function exportedNames(): string[] {
	const text = readFileSync(`${PACKAGE}/src/index.ts`, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
	return [...text.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}/g)]
		.flatMap((match) => (match[1] ?? "").split(",").map((name) => name.trim()))
		.filter((name) => name !== "");
}
