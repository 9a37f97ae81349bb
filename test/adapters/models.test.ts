import Anthropic from "@anthropic-ai/sdk";
import { generateText, jsonSchema, stepCountIs } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { type Computer, openComputer } from "lms-computer";
import { aiTools, anthropicTools, openaiTools } from "lms-computer/adapters";
import { Toolbox } from "lms-computer/tools";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { scripted } from "./models.js";

// What is adapted is the toolbox: one driver says it for all.
const target = DRIVERS.findLast(({ skip }) => skip === undefined);

describe.skipIf(target === undefined)("the toolbox in other libraries", () => {
	let computer: Computer;
	let toolbox: Toolbox;
	beforeAll(async () => {
		computer = (await target?.open("adapters")) as Computer;
		toolbox = new Toolbox({ open: (options) => openComputer({ ...target?.options, ...options, name: computer.name }), callsPerTurn: 0 });
	});
	afterAll(() => toolbox.close());

	test("openai: runTools runs them, arguments that are no JSON included", async () => {
		const call = (id: string, name: string, args: string) => ({
			choices: [
				{
					index: 0,
					finish_reason: "tool_calls",
					message: { role: "assistant", content: null, tool_calls: [{ id, type: "function", function: { name, arguments: args } }] },
				},
			],
		});
		const server = await scripted([
			call("1", "WriteFile", '{"path": "a.txt", "content": "one\ntwo",}'),
			call("2", "Execute", '{"cmd": "cat a.txt; exit 3"}'),
			{ choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "done" } }] },
		]);
		const client = new OpenAI({ baseURL: server.url, apiKey: "none" });
		const runner = client.chat.completions.runTools({
			model: "m",
			messages: [{ role: "user", content: "go" }],
			tools: openaiTools(toolbox),
		});
		expect(await runner.finalContent()).toBe("done");
		expect(server.asked[0]?.tools).toHaveLength(toolbox.tools.length);
		const [first, second] = (server.asked[2]?.messages ?? []).filter(({ role }) => role === "tool").map(({ content }) => content as string);
		expect(first).toContain("wrote /home/user/a.txt");
		expect(second).toMatch(/exit code 3 .*one\ntwo\n/s);
		server.close();
	});

	test("ai: generateText runs them", async () => {
		const usage = {
			inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
			outputTokens: { total: 1, text: 1, reasoning: 0 },
		};
		const call = { type: "tool-call", toolCallId: "1", toolName: "Execute", input: '{"command": "echo $((6 * 7))"}' } as const;
		const steps = [
			{ content: [call], finishReason: { unified: "tool-calls", raw: undefined }, usage, warnings: [] },
			{ content: [{ type: "text", text: "done" }], finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] },
		] as const;
		let step = 0;
		const model = new MockLanguageModelV3({ doGenerate: async () => steps[step++] as never });
		const tools = aiTools(toolbox, (schema) => jsonSchema(schema as never));
		const result = await generateText({ model, tools, prompt: "go", stopWhen: stepCountIs(5) });
		expect(result.text).toBe("done");
		expect(result.steps[0]?.toolResults[0]?.output).toContain("42");
		expect(model.doGenerateCalls[0]?.tools?.map(({ name }) => name)).toEqual(toolbox.tools.map(({ name }) => name));
	});

	test("@anthropic-ai/sdk: toolRunner runs bash and the text editor", async () => {
		const use = (id: string, name: string, input: object) => ({
			id: `m${id}`,
			type: "message",
			role: "assistant",
			model: "m",
			content: [{ type: "tool_use", id, name, input }],
			stop_reason: "tool_use",
			usage: { input_tokens: 1, output_tokens: 1 },
		});
		const edit = (id: string, input: object) => use(id, "str_replace_based_edit_tool", input);
		const path = "/home/user/b.py";
		const server = await scripted([
			edit("1", { command: "create", path, file_text: "def f():\n    return 1\n" }),
			edit("2", { command: "str_replace", path, old_str: "return 1", new_str: "return 2" }),
			edit("3", { command: "insert", path, insert_line: 0, insert_text: "# first" }),
			edit("4", { command: "view", path, view_range: [2, -1] }),
			edit("5", { command: "str_replace", path, old_str: "nowhere", new_str: "" }),
			use("6", "bash", { command: "cd /tmp; export X=1" }),
			use("7", "bash", { command: 'echo "$PWD $X"' }),
			use("8", "bash", { restart: true }),
			use("9", "bash", { command: 'echo "$PWD [$X]"' }),
			edit("10", { command: "undo_edit", path }),
			edit("12", { command: "view", path, view_range: "[2, 2]" }),
			{ ...use("11", "bash", {}), content: [{ type: "text", text: "done" }], stop_reason: "end_turn" },
		]);
		const client = new Anthropic({ baseURL: server.url, apiKey: "none" });
		const runner = client.beta.messages.toolRunner({
			model: "m",
			max_tokens: 100,
			messages: [{ role: "user", content: "go" }],
			tools: anthropicTools(toolbox),
		});
		expect((await runner.runUntilDone()).content).toMatchObject([{ text: "done" }]);
		expect(server.asked[0]?.tools).toEqual([
			{ type: "bash_20250124", name: "bash" },
			{ type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
		]);
		const results = server.asked
			.flatMap(({ messages }) => messages.slice(-1))
			.flatMap(({ content }) => (Array.isArray(content) ? content : []))
			.filter(({ type }) => type === "tool_result");
		const textOf = (index: number) => JSON.stringify(results[index]);
		expect(await computer.files.readText("b.py")).toBe("# first\ndef f():\n    return 2\n");
		expect(textOf(3)).toContain("     2\\tdef f():\\n     3\\t    return 2");
		expect(results[4]).toMatchObject({ is_error: true });
		expect(textOf(6)).toContain("/tmp 1");
		expect(textOf(8)).toContain("/home/user []");
		expect(results[9]).toMatchObject({ is_error: true });
		expect(textOf(10)).toMatch(/lines 2 to 2 of 3.*>\\n {5}2\\tdef f\(\):\\n</);
		server.close();
	});

	test.each([
		["x1.txt", "1", "/x1.txt: lines 1 to 1 of 1\n", ">\n     1\t1\n<"],
		["lines.txt", "lines\n\n$&\n", "/lines.txt: lines 1 to 3 of 3\n", ">\n     1\tlines\n     2\t\n     3\t$&\n<"],
		["blank.txt", "\n", "/blank.txt: lines 1 to 1 of 1\n", ">\n     1\t\n<"],
		["none.txt", "", "/none.txt: an empty file\n", ">\n<"],
	])("@anthropic-ai/sdk: the lines of %s are numbered, and nothing else", async (name, content, header, body) => {
		await computer.files.write(name, content);
		const [, editor] = anthropicTools(toolbox);
		const text = await editor.run({ command: "view", path: `/home/user/${name}` });
		expect(text).toContain(header);
		expect(text).toContain(body);
	});

	describe("@anthropic-ai/sdk: what is said is of its own contract", () => {
		const OURS =
			/\b(Execute|ReadFile|WriteFile|StrReplace|InsertLines|AppendFile|ListDirectory|Wait|KillBackground|SendInput|ReadProcessLogs|Terminal|ComputerStatus|Rollback)\b/;
		const said = async (name: "bash" | "editor", input: object, { box = toolbox, fails = false } = {}) => {
			const [bash, editor] = anthropicTools(box);
			const running = (name === "bash" ? bash : editor).run(input);
			const text = await (fails ? running.then(String, ({ message }: Error) => `failed: ${message}`) : running);
			expect(text).not.toMatch(OURS);
			expect(text).not.toMatch(/^next: *$|next: +(answers|ends|shows)/m);
			if (fails) expect(text).toMatch(/^failed: /);
			return text;
		};
		const editor = (args: string) => `next: str_replace_based_edit_tool(${args})`;

		test("errors of the editor", async () => {
			await computer.files.write("said/c.txt", "one two\nthree\none\n");
			const path = "/home/user/said/c.txt";
			const other = { command: "view", path: "/home/user/said/d.txt" };
			expect(await said("editor", other, { fails: true })).toContain(editor('command: "view", path: "/home/user/said"'));
			expect(await said("editor", other, { fails: true })).toContain("another way: ");
			const edit = { command: "str_replace", path, new_str: "x" };
			expect(await said("editor", { ...edit, old_str: "one  two" }, { fails: true })).toContain(
				'str_replace_based_edit_tool(command: "str_replace", path: "/home/user/said/c.txt", old_str: "one two", new_str: "x")',
			);
			expect(await said("editor", { ...edit, old_str: "one" }, { fails: true })).toMatch(/view", path: "[^"]*", view_range: \[1,\s?21\]\)/);
			for (let times = 0; times < 2; times++) await said("editor", { ...edit, old_str: "nowhere" }, { fails: true });
			expect(await said("editor", { ...edit, old_str: "" }, { fails: true })).toContain('command: "insert", path');
			await computer.files.write("said/none.txt", "");
			const empty = { command: "str_replace", path: "/home/user/said/none.txt", old_str: "", new_str: "x" };
			expect(await said("editor", empty, { fails: true })).toContain('command: "create", path');
		});

		test("calls that it does not have, which count", async () => {
			const box = new Toolbox({ open: async () => computer, callsPerTurn: 20 });
			const options = { box, fails: true };
			expect(await said("bash", {}, options)).toContain('next: bash(command: "…")');
			expect(await said("editor", { command: "undo_edit", path: "a" }, options)).toContain("view, create, str_replace, insert");
			expect(await said("editor", { command: "insert", path: "a", insert_line: "top", insert_text: "x" }, options)).toMatch(
				/needs `insert_line`.*\n.*path: "a", insert_line: 0, insert_text: "x"/,
			);
			expect(await said("editor", { command: "create", path: "a" }, options)).toMatch(/needs `file_text`.*\n.*path: "a", file_text: "…"/);
			expect(box.budget).toMatchObject({ used: 4 });
		});

		test("a file in parts, and one that is no text", async () => {
			await computer.files.write("said/long.txt", "a line of it\n".repeat(20_000));
			expect(await said("editor", { command: "view", path: "/home/user/said/long.txt" })).toMatch(
				/next: str_replace_based_edit_tool\(command: "view", path: "[^"]*", view_range: \[\d+,\s?-1\]\)/,
			);
			await computer.files.write("said/data", Buffer.from([0, 1, 2, 255]));
			expect(await said("editor", { command: "view", path: "/home/user/said/data" })).toContain('next: bash(command: "file ');
			expect(await said("bash", { command: "cat said/long.txt" })).toMatch(/bytes of stdout are not shown \.\.\.\]/);
		});

		test("a folder is listed two levels deep, without what is hidden", async () => {
			for (const path of ["tree/top.txt", "tree/a/b.txt", "tree/a/c/d.txt", "tree/.hidden/e.txt"]) await computer.files.write(path, "");
			const text = await said("editor", { command: "view", path: "/home/user/tree" });
			expect(text).toMatch(/a\/\n.*a\/b\.txt/s);
			expect(text).toContain("a/c/");
			expect(text).toContain("top.txt");
			expect(text).not.toMatch(/d\.txt|hidden/);
		});

		test("a command that outlives its call is waited for and ended by bash", async () => {
			const box = new Toolbox({ open: async () => computer, callsPerTurn: 0, timeoutMs: 100 });
			const nextOf = (text: string) => JSON.parse(/bash\(command: ("(?:[^"\\]|\\.)*")\)/.exec(text)?.[1] ?? "null") as string;
			await computer.files.remove("said/go").catch(() => {});
			const begun = await said("bash", { command: "until [ -e said/go ]; do sleep 0.1; done; echo it has gone; exit 4" }, { box });
			expect(begun).toMatch(/goes on as job "\w+".*\nnext: bash\(command: "wait job \w+"\)/);
			await computer.files.write("said/go", "");
			expect(await said("bash", { command: nextOf(begun) }, { box })).toMatch(/ended with exit code 4 .*it has gone/s);
			const asks = await said(
				"bash",
				{ command: "printf 'Password: '; read x" },
				{ box: new Toolbox({ open: async () => computer, callsPerTurn: 0 }) },
			);
			expect(asks).toMatch(/waits for input.*\nnext: bash\(command: "kill job \w+"\) ends it$/m);
			expect(await said("bash", { command: nextOf(asks) }, { box })).toMatch(/ended/);
			expect(await said("bash", { command: "kill job none" }, { box, fails: true })).toContain("there is no job");
		});
	});
});
