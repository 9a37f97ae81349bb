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
	["WriteFile", { path: "a.md", content: "```js\nx\n```" }],
	["WriteFile", { path: "a.json", content: '{"a": 1}' }],
	["StrReplace", { path: "a", replacements: [{ oldStr: "1\tx", newStr: "" }] }],
];

test.each(LEFT_ALONE)("%s: %j stays as it is", (name, raw) => {
	expect(read(name, raw)).toEqual({ args: raw, repairs: [] });
});

describe("what can not be read", () => {
	test.each([
		["Execute", {}, "needs `command`"],
		["Execute", [], "expected an object"],
		["Execute", 7, "expected an object"],
		["ReadFile", { path: "a", startLine: "first" }, "has to be a whole number"],
		["StrReplace", { path: "a", replacements: 5 }, "has to be a list"],
		["StrReplace", { path: "a", replacements: [{ oldStr: "x" }] }, "needs `newStr`"],
		["Job", { action: "dance", job: "1" }, "has to be one of wait, logs, input, kill"],
	])("%s: %j", (name, raw, message) => {
		expect(() => read(name, raw)).toThrow(message);
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
