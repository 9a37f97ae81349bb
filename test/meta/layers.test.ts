import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromRoot } from "../support/repository.js";

/** The layers of docs/architecture.md: who may import whom. A linter rule that matches nothing is silent, so each is tried both ways. */
const REFUSED = [
	["drivers/docker/driver.ts", "../../computer.js"],
	["drivers/docker/driver.ts", "../../open.js"],
	["drivers/docker/driver.ts", "../../agent/client.js"],
	["drivers/docker/driver.ts", "../../cli/main.js"],
	["drivers/docker/driver.ts", "../podman/driver.js"],
	["drivers/docker/driver.ts", "left-pad"],
	["drivers/namespace/driver.ts", "dockerode"],
	["drivers/namespace/driver.ts", "../engine/driver.js"],
	["drivers/registry.ts", "../computer.js"],
	["drivers/registry.ts", "dockerode"],
	["agent/client.ts", "../drivers/registry.js"],
	["agent/client.ts", "../computer.js"],
	["agent/client.ts", "../cli/main.js"],
	["agent/client.ts", "dockerode"],
	["egress/gateway.ts", "../drivers/registry.js"],
	["egress/gateway.ts", "../drivers/docker/driver.js"],
	["egress/gateway.ts", "../computer.js"],
	["egress/gateway.ts", "../cli/main.js"],
	["egress/gateway.ts", "dockerode"],
	["computer.ts", "./cli/main.js"],
	["computer.ts", "./tools/index.js"],
	["open.ts", "./cli/main.js"],
	["open.ts", "dockerode"],
	["index.ts", "./cli/main.js"],
	["index.ts", "dockerode"],
	["tools/execute.ts", "../drivers/registry.js"],
	["tools/execute.ts", "../agent/exec.js"],
	["tools/execute.ts", "../cli/main.js"],
	["tools/execute.ts", "../mcp/server.js"],
	["tools/execute.ts", "../adapters/index.js"],
	["adapters/functions.ts", "../agent/exec.js"],
	["adapters/functions.ts", "../cli/main.js"],
	["adapters/functions.ts", "ai"],
	["adapters/functions.ts", "@anthropic-ai/sdk"],
	["cli/main.ts", "../agent/client.js"],
	["cli/main.ts", "../drivers/registry.js"],
	["cli/commands/exec.ts", "../../agent/client.js"],
	["cli/main.ts", "dockerode"],
	["cli/commands/mcp.ts", "@modelcontextprotocol/server"],
	["mcp/server.ts", "../agent/client.js"],
	["mcp/server.ts", "../drivers/registry.js"],
	["mcp/server.ts", "../cli/output.js"],
	["http/server.ts", "../cli/output.js"],
	["errors/index.ts", "../limits.js"],
	["limits.ts", "./errors/index.js"],
	["driver.ts", "./limits.js"],
	["../../lmstudio/src/chat.ts", "lms-computer"],
	["../../lmstudio/src/chat.ts", "lms-computer/tools"],
	["../../lmstudio/src/chat.ts", "../../computer/src/index.js"],
	["../../lmstudio/src/chat.ts", "zod"],
	["../../lmstudio/src/library.ts", "@lmstudio/sdk"],
] as const;

const ALLOWED = [
	["drivers/docker/driver.ts", "../../driver.js"],
	["drivers/docker/driver.ts", "../../errors/index.js"],
	["drivers/docker/driver.ts", "../../limits.js"],
	["drivers/docker/driver.ts", "../engine/driver.js"],
	["drivers/docker/driver.ts", "./endpoints.js"],
	["drivers/docker/driver.ts", "dockerode"],
	["drivers/namespace/driver.ts", "../agent-binary.js"],
	["drivers/namespace/driver.ts", "node:fs/promises"],
	["drivers/registry.ts", "./docker/driver.js"],
	["agent/client.ts", "../errors/index.js"],
	["agent/client.ts", "node:http2"],
	["egress/gateway.ts", "../agent/client.js"],
	["egress/gateway.ts", "../drivers/state-directory.js"],
	["egress/gateway.ts", "node:net"],
	["computer.ts", "./agent/client.js"],
	["open.ts", "./drivers/registry.js"],
	["cli/main.ts", "../index.js"],
	["adapters/functions.ts", "../index.js"],
	["adapters/functions.ts", "../tools/index.js"],
	["tools/execute.ts", "../computer.js"],
	["tools/execute.ts", "../index.js"],
	["tools/execute.ts", "./tool.js"],
	["cli/main.ts", "commander"],
	["cli/commands/mcp.ts", "../../mcp/stdio.js"],
	["mcp/server.ts", "../tools/index.js"],
	["mcp/server.ts", "@modelcontextprotocol/server"],
	["../../lmstudio/src/chat.ts", "./library.js"],
	["../../lmstudio/src/chat.ts", "@lmstudio/sdk"],
	["../../lmstudio/src/library.ts", "lms-computer/tools"],
] as const;

/** File to its imports, one on each line. */
const files = new Map<string, string[]>();
for (const [file, target] of [...REFUSED, ...ALLOWED]) files.set(file, [...(files.get(file) ?? []), target]);

let directory: string;
const refused = new Set<string>();

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), "lms-computer-layers-"));
	const { vcs: _, ...config } = JSON.parse(await readFile(fromRoot("biome.json"), "utf8"));
	await writeFile(join(directory, "biome.json"), JSON.stringify(config));
	for (const [file, targets] of files) {
		const path = join(directory, "packages/computer/src", file);
		await mkdir(dirname(path), { recursive: true });
		await writeFile(path, targets.map((target) => `import "${target}";\n`).join(""));
	}
	for (const { path, line } of await lint(directory)) {
		const file = relative("packages/computer/src", path);
		refused.add(`${file} ${files.get(file)?.[line - 1]}`);
	}
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("the linter", () => {
	test.each(REFUSED)("refuses that %s imports %s", (file, target) => {
		expect(refused).toContain(`${file} ${target}`);
	});
	test.each(ALLOWED)("lets %s import %s", (file, target) => {
		expect(refused).not.toContain(`${file} ${target}`);
	});
});

interface Diagnostic {
	readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

function lint(cwd: string): Promise<{ path: string; line: number }[]> {
	const argv = [
		fromRoot("node_modules/@biomejs/biome/bin/biome"),
		"lint",
		"--only=style/noRestrictedImports",
		"--reporter=json",
		"--max-diagnostics=none",
	];
	return new Promise((resolve) => {
		// It exits with 1: it has something to say.
		execFile(process.execPath, argv, { cwd }, (_error, stdout) => {
			const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
			resolve(diagnostics.map(({ location }) => ({ path: location.path, line: location.start.line })));
		});
	});
}
