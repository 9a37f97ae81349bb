import { ComputerError } from "lms-computer";
import { Toolbox } from "lms-computer/tools";
import { describe, expect, test } from "vitest";
import { prepare } from "../../packages/computer/src/tools/arguments.js";
import { toolNamed } from "../../packages/computer/src/tools/table.js";

const read = (name: string, raw: unknown) => {
	const tool = toolNamed(name);
	if (tool === undefined) throw new Error(`there is no tool ${name}`);
	return prepare(tool, raw);
};

/** Tool, what a model sent, what is meant. */
const REPAIRED: readonly (readonly [string, unknown, object])[] = [
	["Execute", { cmd: "ls" }, { command: "ls" }],
	["Execute", { Command: "ls", timeout: "5" }, { command: "ls", timeout: 5 }],
	["Execute", '{"command": "ls"}', { command: "ls" }],
	["Execute", "ls -la", { command: "ls -la" }],
	["Execute", { arguments: { command: "ls" } }, { command: "ls" }],
	["Execute", { input: '{"command":"ls"}' }, { command: "ls" }],
	["Execute", { command: "```bash\nls\n```" }, { command: "ls" }],
	["Execute", { command: "$ ls\n$ pwd" }, { command: "ls\npwd" }],
	["Execute", { command: "cat <<EOF > a\\none\\nEOF" }, { command: "cat <<EOF > a\none\nEOF" }],
	["Execute", { command: "ls", timeout: 30_000 }, { command: "ls", timeout: 30 }],
	["Execute", { command: "ls", timeout_ms: 500 }, { command: "ls", timeout: 1 }],
	["Execute", { command: "ls", timeout: "2 min" }, { command: "ls", timeout: 120 }],
	["Execute", { command: "ls", timeout: null, cwd: "/tmp" }, { command: "ls", workdir: "/tmp" }],
	["Execute", '{"command": "echo one\necho two",}', { command: "echo one\necho two" }],
	["ReadFile", { file_path: '"a b.txt"', start: "10", end_line: 20.0 }, { path: "a b.txt", startLine: 10, endLine: 20 }],
	["ReadFile", { path: "file:///etc/hosts", startLine: 0 }, { path: "/etc/hosts", startLine: 1 }],
	["ReadFile", { path: "$HOME/a" }, { path: "~/a" }],
	["WriteFile", { path: "a.json", content: { a: 1 } }, { path: "a.json", content: '{\n  "a": 1\n}' }],
	["WriteFile", { path: "a.py", content: "import os\\nprint(1)\\n" }, { path: "a.py", content: "import os\nprint(1)\n" }],
	["WriteFile", { path: "a.sed", content: "s/\\./,/\\ns/\\\\d/x/\\n" }, { path: "a.sed", content: "s/\\./,/\ns/\\d/x/\n" }],
	["WriteFile", { path: "a", contents: "x", executable: "true" }, { path: "a", content: "x", makeExecutable: true }],
	["StrReplace", { path: "a", oldStr: "x", newStr: "y" }, { path: "a", replacements: [{ oldStr: "x", newStr: "y" }] }],
	[
		"StrReplace",
		{ path: "a", replacements: '[{"old_str":"x","new_str":"y"}]' },
		{ path: "a", replacements: [{ oldStr: "x", newStr: "y" }] },
	],
	["StrReplace", { path: "a", edits: { old: "x", new: "" } }, { path: "a", replacements: [{ oldStr: "x", newStr: "" }] }],
	["Wait", { handleId: 7 }, { job: "7" }],
	["ReadProcessLogs", { job: 7, offset: "0" }, { handleId: "7", fromOffset: 0 }],
	["SearchInFiles", { query: "x", limit: 9999 }, { pattern: "x", maxResults: 500 }],
	["SearchInFiles", { pattern: "x", ignore_case: "yes" }, { pattern: "x", ignoreCase: true }],
	["RebuildComputer", { confirm: "true" }, { confirm: true }],
	["Job", { action: "Wait", handleId: 3 }, { action: "wait", job: "3" }],
	["Execute", { name: "Execute", arguments: { command: "ls" } }, { command: "ls" }],
	["Execute", { command: ["grep", "-n", "it's here", "a b.txt"] }, { command: "grep -n 'it'\\''s here' 'a b.txt'" }],
	["Execute", { command: ["cd /tmp", "ls"] }, { command: "cd /tmp\nls" }],
	["Execute", { command: ["ls -la"] }, { command: "ls -la" }],
	["Execute", { command: "ls", timeout: 0 }, { command: "ls" }],
	["Execute", { command: "ls", timeout_ms: "3000" }, { command: "ls", timeout: 3 }],
	["ExecuteBackground", { command: "serve", timeout: -1 }, { command: "serve" }],
	["ExecuteBackground", { command: "serve", timeout: 86_400 }, { command: "serve", timeout: 3600 }],
	["ReadFile", { path: "a", startLine: 5, endLine: -1 }, { path: "a", startLine: 5 }],
	["ReadFile", { path: "a", startLine: 0, endLine: 0 }, { path: "a", startLine: 1 }],
	["SearchInFiles", { pattern: "x", maxResults: 0 }, { pattern: "x" }],
	["KillBackground", { handleId: ["7"] }, { handleId: "7" }],
	["ReadFile", { path: { path: "a.txt" } }, { path: "a.txt" }],
	["SetEnvVar", { key: "A", value: { b: 1 } }, { key: "A", value: '{\n  "b": 1\n}' }],
	["WriteFile", { path: "a.json", content: ["a"] }, { path: "a.json", content: '[\n  "a"\n]' }],
];

test.each(REPAIRED)("%s: %j is read", (name, raw, meant) => {
	const { args, repairs } = read(name, raw);
	expect(args).toEqual(meant);
	expect(repairs.length).toBeGreaterThan(0);
});

/** What looks odd and is right. */
const LEFT_ALONE: readonly (readonly [string, object])[] = [
	["Execute", { command: "printf 'a\\nb\\n'", timeout: 5 }],
	["Execute", { command: 'echo "`date`"' }],
	["Execute", { command: "cat <<EOF\n$ not a prompt\nEOF" }],
	["WriteFile", { path: "a.c", content: 'printf("a\\nb\\n");' }],
	["WriteFile", { path: "a.tex", content: "$\\nabla \\cdot E = \\nu$" }],
	["WriteFile", { path: "a.txt", content: "^\\d+\\n\\w+\\n$" }],
	["WriteFile", { path: "a.md", content: "```js\nx\n```" }],
	["WriteFile", { path: "a.json", content: '{"a": 1}' }],
	["StrReplace", { path: "a", replacements: [{ oldStr: "1\tx", newStr: "" }] }],
];

test.each(LEFT_ALONE)("%s: %j stays as it is", (name, raw) => {
	expect(read(name, raw)).toEqual({ args: raw, repairs: [] });
});

test("what is left empty and need not be there is left out", () => {
	expect(read("Execute", { command: "ls", workdir: "", timeout: "" }).args).toEqual({ command: "ls" });
	expect(read("KillProcess", { pid: 7, signal: "" }).args).toEqual({ pid: 7 });
	expect(read("ReadProcessLogs", { handleId: "7", stream: "" }).args).toEqual({ handleId: "7" });
	expect(read("Terminal", { terminal: "", keys: "q" }).args).toEqual({ keys: "q" });
	expect(read("Job", { action: "input", job: "7", text: "", stream: "" }).args).toEqual({ action: "input", job: "7", text: "" });
	expect(read("WriteFile", { path: "a", content: "" }).args).toEqual({ path: "a", content: "" });
});

describe("what can not be read", () => {
	test.each([
		["Execute", {}, "needs `command`; it got nothing"],
		["Execute", { command: null }, "needs `command`; it got nothing"],
		["Execute", "null", "needs `command`; it got nothing"],
		["Execute", '{"command": "rm -rf build', "expected an object"],
		["Execute", [], "expected an object"],
		["Execute", 7, "expected an object"],
		["ReadFile", { path: "a", startLine: "first" }, "has to be a whole number"],
		["StrReplace", { path: "a", replacements: 5 }, "has to be a list"],
		["Execute", { command: { program: "ls" } }, "has to be text"],
		["ReadFile", { path: ["a", "b"] }, "has to be text"],
		["SearchInFiles", { pattern: "x", glob: ["*.ts", "*.js"] }, "has to be text"],
		["StrReplace", { path: "a", replacements: [{ oldStr: "x" }] }, "needs `newStr`"],
		["StrReplace", { path: "a", oldStr: "x", newStr: null }, "needs `newStr`"],
		["StrReplace", { path: "a", replacements: [] }, "at least one"],
		["Job", { action: "dance", job: "1" }, "has to be one of wait, logs, input, kill"],
	])("%s: %j", (name, raw, message) => {
		expect(() => read(name, raw)).toThrow(message);
	});

	test("what could be is in the call to make instead", async () => {
		const toolbox = new Toolbox({ open: () => Promise.reject(new Error("none")) });
		expect((await toolbox.call("StrReplace", { path: "a.txt", edits: [] })).text).toContain(
			'next: StrReplace(path: "a.txt", replacements: [{',
		);
		expect((await toolbox.call("ReadFile", { path: "a.txt", startLine: "first" })).text).toContain('next: ReadFile(path: "a.txt")');
	});

	test("of a group, in the group's own words", async () => {
		const toolbox = new Toolbox({ open: () => Promise.reject(new Error("none")), profile: "compact" });
		const { text } = await toolbox.call("Job", { action: "input", job: "1" });
		expect(text).toContain("Job with the action input needs `text`");
		expect((await toolbox.call("Transfer", { action: "out" })).text).toContain('next: Transfer(action: "out", containerPath: "…")');
	});

	test("what was sent is not sent back at length", async () => {
		const toolbox = new Toolbox({ open: () => Promise.reject(new ComputerError("busy", "it is busy")), callsPerTurn: 0 });
		const long = "x".repeat(1_000_000);
		const strays = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`stray${index}`, 1]));
		for (const [name, args] of [
			["WriteFile", { content: long }],
			["WriteFile", { path: "a", content: long }],
			["StrReplace", { path: "a", replacements: [{ oldStr: long, newStr: long }] }],
			["StrReplace", { path: "a", replacements: [{ oldStr: long }] }],
			["Execute", { command: "ls", timeout: `${" ".repeat(1_000_000)}5` }],
			["Execute", { [`${"_".repeat(1_000_000)}cmd`]: "ls" }],
			["Execute", { command: "ls", [long]: 1, ...strays }],
			["SearchInFiles", { pattern: long }],
			["Job", { action: "input", job: "1", [long]: long }],
			[long, {}],
		] as const) {
			const { text, structured, isError } = await toolbox.call(name, args);
			expect(isError).toBe(true);
			expect(JSON.stringify({ text, structured }).length, text.slice(0, 200)).toBeLessThan(10_000);
		}
		expect((await toolbox.call("WriteFile", { path: "a.txt", content: long })).text).toContain(
			'next: WriteFile(path: "a.txt", content: "…")',
		);
	});

	test("a stray argument is told, and ignored", () => {
		const { args, repairs } = read("Execute", { command: "ls", reason: "to look", __proto__: { timeout: 1 }, constructor: "x" });
		expect(args).toEqual({ command: "ls" });
		expect(repairs.join()).toContain("no parameter `reason`");
	});
});
