import { readFileSync } from "node:fs";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { PROFILES, type Schema, TOOLS, toolsOf } from "lms-computer/tools";
import { describe, expect, test } from "vitest";
import { toolsPage } from "../../scripts/tools-page.mjs";
import { fromRoot } from "../support/repository.js";

/** What a model's context pays for, as every OpenAI-like server writes it. */
const asFunctions = (tools: typeof TOOLS) =>
	JSON.stringify(tools.map(({ name, description, input }) => ({ type: "function", function: { name, description, parameters: input } })));

describe("the definitions", () => {
	test.each([
		["compact", 8, 900],
		["standard", 20, 1700],
		["full", 26, 2600],
	] as const)("%s: at most %i tools and %i tokens", (profile, maxTools, maxTokens) => {
		const tools = toolsOf(profile);
		const tokens = countTokens(asFunctions(tools));
		console.log(`${profile}: ${tools.length} tools, ${tokens} tokens`);
		expect(tools.length).toBeLessThanOrEqual(maxTools);
		expect(tokens).toBeLessThanOrEqual(maxTokens);
	});

	/** Names and parameters that are known from elsewhere: whoever has them in a prompt finds them here. */
	test.each([
		["Execute", ["command", "timeout?", "workdir?"]],
		["WriteFile", ["path", "content", "makeExecutable?"]],
		["AppendFile", ["path", "content"]],
		["ReadFile", ["path", "startLine?", "endLine?"]],
		["StrReplace", ["path", "replacements"]],
		["InsertLines", ["path", "afterLine", "content"]],
		["ListDirectory", ["path?", "showHidden?", "recursive?"]],
		["MoveFile", ["source", "destination"]],
		["CopyFile", ["source", "destination"]],
		["SearchInFiles", ["pattern", "directory?", "ignoreCase?", "glob?", "maxResults?"]],
		["SetEnvVar", ["key", "value"]],
		["UploadFile", ["hostPath", "containerPath?"]],
		["DownloadFile", ["containerPath", "hostPath?"]],
		["ExecuteBackground", ["command", "timeout?"]],
		["ReadProcessLogs", ["handleId", "fromOffset?", "stream?"]],
		["KillBackground", ["handleId"]],
		["KillProcess", ["pid", "signal?"]],
		["ComputerStatus", ["showProcesses?"]],
		["RestartComputer", []],
		["RebuildComputer", ["confirm?"]],
		["ResetShell", []],
	])("%s takes %j", (name, parameters) => {
		const { input } = toolsOf("full").find((tool) => tool.name === name) ?? expect.fail(`there is no ${name}`);
		const names = Object.keys(input.properties).map((key) => (input.required?.includes(key) ? key : `${key}?`));
		expect(names).toEqual(parameters);
	});

	test("starting over costs nothing of the budget", () => {
		const free = toolsOf("full").filter(({ cost }) => cost === 0);
		expect(free.map(({ name }) => name)).toEqual(["ResetShell", "RestartComputer", "RebuildComputer"]);
	});

	test("each is told apart, described, and an object at the root in and out", () => {
		expect(new Set(TOOLS.map(({ name }) => name)).size).toBe(TOOLS.length);
		for (const { name, title, description, input, output, hints } of TOOLS) {
			expect(name).toMatch(/^[A-Z][A-Za-z]+$/);
			expect(title.length, name).toBeLessThan(40);
			expect(description, name).toMatch(/^[A-Z].{10,240}\.$/);
			for (const schema of [input, output]) expect(schema.type, name).toBe("object");
			for (const key of input.required ?? []) expect(Object.keys(input.properties), name).toContain(key);
			if (hints.readOnly) expect(hints.destructive, name).toBe(false);
		}
	});

	test("their schemas use nothing that a door could not pass on", () => {
		const keys = new Set<string>();
		const visit = (schema: Schema) => {
			for (const key of Object.keys(schema)) keys.add(key);
			for (const property of Object.values(schema.properties ?? {})) visit(property);
			if (schema.items !== undefined) visit(schema.items);
		};
		for (const { input, output } of TOOLS) for (const schema of [input, output]) visit(schema);
		const known = ["description", "enum", "items", "maximum", "minItems", "minimum", "properties", "required", "type"];
		expect([...keys].filter((key) => !known.includes(key))).toEqual([]);
	});
});

test("docs/tools.md is what scripts/tools-page.mjs makes of the table; run it with --write", () => {
	expect(readFileSync(fromRoot("docs/tools.md"), "utf8")).toBe(toolsPage({ TOOLS, PROFILES, toolsOf }));
});
