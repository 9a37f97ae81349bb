import { spawnSync } from "node:child_process";
import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchOf } from "../../packages/computer/src/cli/launch.js";
import { CLIENT_NAMES, type ClientName } from "../../packages/computer/src/mcp/setup/client-names.js";
import { CLIENTS } from "../../packages/computer/src/mcp/setup/clients.js";
import { merged, snippet } from "../../packages/computer/src/mcp/setup/merge.js";
import { cli, type Ended, MAIN, Running } from "../cli/command.js";

const JSON_CLIENT = { format: "json", place: "mcpServers" } as const;
const TOML_CLIENT = { format: "toml", place: "mcp_servers" } as const;
const ENTRY = { command: "/usr/bin/node", args: ["main.js", "mcp"] };

let home: string;
beforeAll(() => {
	home = mkdtempSync(join(tmpdir(), "lms-computer-setup-"));
});
afterAll(() => rmSync(home, { recursive: true }));

/** The file of a client in a home of the test's own, in a directory that is there. */
async function fileIn(name: string, client: ClientName): Promise<{ file: string; run: (...argv: string[]) => Promise<Ended> }> {
	const own = join(home, name);
	const file = await CLIENTS[client].file({ platform: process.platform, env: {}, home: own });
	mkdirSync(dirname(file), { recursive: true });
	const env = { HOME: own, XDG_CONFIG_HOME: "", CODEX_HOME: "", APPDATA: "" };
	return { file, run: (...argv) => cli(["mcp", "--install", client, ...argv], { env }) };
}

test("a name from the environment is the client's too", async () => {
	const { stdout } = await cli(["mcp", "--print-config", "lmstudio"], { env: { LMS_COMPUTER_NAME: "work" } });
	expect(JSON.parse(stdout)).toEqual({
		mcpServers: { "lms-computer-work": { command: process.execPath, args: [MAIN, "mcp", "--name", "work"] } },
	});
});

test("for every client a server is printed that starts this program with the same flags", async () => {
	for (const client of CLIENT_NAMES) {
		const launch = { name: "lms-computer-work", command: "/usr/bin/node", args: ["main.js", "mcp", "--name", "work"] };
		const text = await snippet(CLIENTS[client], launch.name, CLIENTS[client].entry(launch));
		for (const word of ["lms-computer-work", "/usr/bin/node", '"main.js"', '"mcp"', '"--name"', '"work"']) expect(text).toContain(word);
	}
	const { status, stderr, stdout } = await cli(["mcp", "--print-config=codex", "--name", "work", "--network", "open"]);
	expect(status).toBe(0);
	expect(stderr).toContain(`codex mcp add lms-computer-work -- ${process.execPath} ${MAIN} mcp --name work --network open`);
	expect(stdout).toContain(`args = [ "${MAIN}", "mcp", "--name", "work", "--network", "open" ]`);
});

test.each(["cursor", "codex"] as const)("--install writes it for %s, once, and what was there stays", async (client) => {
	const { file, run } = await fileIn("new", client);
	const first = await run("--yes");
	expect(first).toMatchObject({ status: 0, stdout: `${file}\n` });
	const text = readFileSync(file, "utf8");
	expect(text).toContain(MAIN);
	expect(await run("--yes")).toMatchObject({ status: 0, stdout: "", stderr: expect.stringContaining("has it already") });
	expect(await run("--yes", "--name", "other")).toMatchObject({ status: 0 });
	const both = readFileSync(file, "utf8");
	expect(both).toContain("lms-computer-other");
	expect(both.startsWith(text.trimEnd().slice(0, 40))).toBe(true);
	expect(readdirSync(dirname(file)).filter((name) => !name.endsWith(".bak"))).toEqual([basename(file)]);
});

describe("a configuration that is there", () => {
	test("keeps its comments, its mode, its place behind a link and a copy of itself", async () => {
		const { file, run } = await fileIn("kept", "zed");
		const real = join(home, "kept", "dotfiles.json");
		const before = '// mine\n{\n\t"theme": "One", // dark\n\t"context_servers": {\n\t\t// theirs\n\t\t"other": {}\n\t},\n}\n';
		writeFileSync(real, before);
		chmodSync(real, 0o640);
		symlinkSync(real, file);
		const { status, stderr } = await run("--yes");
		expect(status).toBe(0);
		const after = readFileSync(real, "utf8");
		for (const kept of ["// mine", "// dark", "// theirs", '"other": {}']) expect(after).toContain(kept);
		expect(after).toContain(MAIN);
		expect(statSync(real).mode & 0o777).toBe(0o640);
		expect(lstatSync(file).isSymbolicLink()).toBe(true);
		const [, backup = ""] = /what was there is in (\S+)/.exec(stderr) ?? [];
		expect(readFileSync(backup, "utf8")).toBe(before);
	});

	const own = '[mcp_servers.lms-computer]\ncommand = "mine"\n';
	test.each([
		["cursor", "{ not json"],
		["cursor", '{"mcpServers": []}'],
		["cursor", '{"mcpServers": {}, "mcpServers": {}}'],
		["cursor", "[]"],
		["vscode", '{"servers": "none"}'],
		["codex", "[mcp_servers\n"],
		["codex", 'mcp_servers = { x = { command = "y" } }\n'],
		["codex", own],
	] as const)("of %s is left alone when it is %j", async (client, text) => {
		await expect(merged(CLIENTS[client], text, "lms-computer", ENTRY)).rejects.toMatchObject({
			code: "invalid_argument",
			message: expect.stringContaining("left as it is"),
		});
	});

	test("that is refused is not touched", async () => {
		const { file, run } = await fileIn("refused", "codex");
		writeFileSync(file, own);
		expect(await run("--yes")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--print-config") });
		expect({ text: readFileSync(file, "utf8"), files: readdirSync(dirname(file)) }).toEqual({ text: own, files: [basename(file)] });
	});

	test("is not touched without a yes", async () => {
		const { file, run } = await fileIn("asked", "cursor");
		expect(await run()).toMatchObject({ status: 2, stderr: expect.stringContaining("--yes") });
		expect(readdirSync(dirname(file))).toEqual([]);
	});

	test("is not made for a client that is not installed", async () => {
		const own = join(home, "bare");
		mkdirSync(own);
		const { status, stderr } = await cli(["mcp", "--install", "cursor", "--yes"], { env: { HOME: own } });
		expect({ status, files: readdirSync(own) }).toEqual({ status: 1, files: [] });
		expect(stderr).toContain("does not seem to be installed");
	});
});

describe.skipIf(spawnSync("script", ["--version"]).status !== 0)("asked on a terminal (skipped without `script` of util-linux)", () => {
	test.each([
		["y", "y\r", 0],
		["n", "n\r", 1],
		["Ctrl-D", "\x04", 1],
		["Ctrl-C", "\x03", 130],
	])("%s is understood", async (name, keys, expected) => {
		const { file } = await fileIn(`asked-${name}`, "cursor");
		const line = `HOME='${home}/asked-${name}' ${process.execPath} ${MAIN} mcp --install cursor; echo status=$?`;
		const running = new Running("script", ["--quiet", "--echo", "never", "--command", line, "/dev/null"], {});
		await running.says("[y/N] ");
		running.process.stdin.write(keys);
		await running.says("status=");
		running.process.stdin.end();
		const { stdout } = await running.ended;
		expect(stdout).toContain(`status=${expected}`);
		expect(stdout).not.toContain("error:");
		expect(existsSync(file)).toBe(expected === 0);
	});
});

test("both at once are wrong usage", async () => {
	const { status, stderr } = await cli(["mcp", "--install", "zed", "--print-config", "zed"]);
	expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining("got both") });
});

test("whatever JSON a file holds, nothing but the server changes", async () => {
	const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true, maxKeys: 6 });
	await fc.assert(
		fc.asyncProperty(objects, objects, fc.constantFrom(undefined, 2, "\t"), async (rest, servers, indent) => {
			const value = { ...rest, mcpServers: servers };
			const text = JSON.stringify(value, undefined, indent);
			fc.pre(!text.includes("__proto__"));
			const after = JSON.parse(await merged(JSON_CLIENT, text, "lms-computer", ENTRY));
			expect(after).toEqual({ ...JSON.parse(text), mcpServers: { ...JSON.parse(text).mcpServers, "lms-computer": ENTRY } });
		}),
		{ numRuns: 100 },
	);
});

test("whatever text a file holds, it is merged or refused", async () => {
	await fc.assert(
		fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), fc.constantFrom(JSON_CLIENT, TOML_CLIENT), async (text, client) => {
			const after = await merged(client, text, "lms-computer", ENTRY).catch((error: { code: string }) => error.code);
			expect(after === "invalid_argument" || after.includes("/usr/bin/node")).toBe(true);
		}),
		{ numRuns: 150 },
	);
});

test("where the files are, on every system", async () => {
	const on = async (client: ClientName, platform: NodeJS.Platform, env = {}) => CLIENTS[client].file({ platform, env, home: "/h" });
	expect(await on("claude", "darwin")).toBe("/h/Library/Application Support/Claude/claude_desktop_config.json");
	expect(await on("claude", "linux", { XDG_CONFIG_HOME: "/x" })).toBe("/x/Claude/claude_desktop_config.json");
	expect(await on("vscode", "win32", { APPDATA: "/a" })).toBe("/a/Code/User/mcp.json");
	expect(await on("codex", "linux", { CODEX_HOME: "/c" })).toBe("/c/config.toml");
	expect(await on("lmstudio", "darwin")).toBe("/h/.lmstudio/mcp.json");
	const moved = join(home, "moved");
	mkdirSync(moved);
	writeFileSync(join(moved, ".lmstudio-home-pointer"), "/elsewhere\n");
	expect(await CLIENTS.lmstudio.file({ platform: "linux", env: {}, home: moved })).toBe("/elsewhere/mcp.json");
});

test("what npx has brought is started by npx again, and directories are whole", () => {
	const facts = { name: "default", node: "/usr/bin/node", platform: "linux" as const, main: "/h/.npm/_npx/1/main.js" };
	const argv = ["mcp", "--install", "zed", "-y", "--folder", "x:/mnt:ro", "--host-folder=y"];
	const folders = ["--folder", `${process.cwd()}/x:/mnt:ro`, "--host-folder", `${process.cwd()}/y`];
	expect(launchOf({ ...facts, argv })).toEqual({
		name: "lms-computer",
		command: "npx",
		args: ["-y", "lms-computer", "mcp", ...folders],
	});
	expect(launchOf({ ...facts, argv, platform: "win32" })).toMatchObject({ command: "cmd", args: expect.arrayContaining(["/c", "npx"]) });
	expect(launchOf({ ...facts, argv, main: "/opt/main.js" })).toMatchObject({
		command: "/usr/bin/node",
		args: ["/opt/main.js", "mcp", ...folders],
	});
});
