/** Anthropic's own tools, bash and text_editor, whose definitions its models know already: the same tools under other names. */
import { briefly } from "../tools/brief.js";
import { callText } from "../tools/call-text.js";
import type { Door, Toolbox, ToolResult } from "../tools/index.js";

interface Context {
	readonly signal?: AbortSignal | null | undefined;
}

interface AnthropicTool<Type extends string, Name extends string> {
	readonly type: Type;
	readonly name: Name;
	readonly run: (input: unknown, context?: Context) => Promise<string>;
	readonly parse: (input: unknown) => unknown;
}

type Input = Readonly<Record<string, unknown>>;
type Call = readonly [name: string, args: Input];

const BASH = "bash";
const EDITOR = "str_replace_based_edit_tool";

/** For `tools` of messages.create, and, with what runs them, of the toolRunner of the package `@anthropic-ai/sdk`. */
export function anthropicTools(
	toolbox: Toolbox,
): [AnthropicTool<"bash_20250124", typeof BASH>, AnthropicTool<"text_editor_20250728", typeof EDITOR>] {
	return [
		runnable(toolbox, "bash_20250124", BASH, bashCall),
		runnable(toolbox, "text_editor_20250728", EDITOR, editorCall, shownForEditor),
	];
}

/** A call of this contract that is not one, and how it is. */
class Misunderstood extends Error {
	readonly next: string;

	constructor(message: string, next: Call) {
		super(message);
		this.next = callText(...next);
	}
}

function runnable<Type extends string, Name extends string>(
	toolbox: Toolbox,
	type: Type,
	name: Name,
	callOf: (input: Input) => Call,
	shown: (input: Input, result: ToolResult) => string = (_, { text }) => text,
): AnthropicTool<Type, Name> {
	return {
		type,
		name,
		parse: (input) => input,
		run: async (given, context) => {
			const input = (given ?? {}) as Input;
			const result = await called(toolbox, input, callOf, context?.signal ?? undefined);
			// That is how this contract marks a result as an error.
			if (result.isError) throw new Error(result.text);
			return shown(input, result);
		},
	};
}

async function called(
	toolbox: Toolbox,
	input: Input,
	callOf: (input: Input) => Call,
	signal: AbortSignal | undefined,
): Promise<ToolResult> {
	let call: Call;
	try {
		call = callOf(input);
	} catch (error) {
		if (!(error instanceof Misunderstood)) throw error;
		return await toolbox.refuse({ code: "invalid_argument", message: error.message, hint: "", next: error.next });
	}
	return await toolbox.call(...call, { signal, door: DOOR });
}

/** No command of a shell, which has no such jobs: the bash of this contract alone would have no way to a command that outlived its call. */
const JOB_COMMAND = /^\s*(wait|kill) job "?(\w+)"?\s*$/;

function bashCall({ command, restart }: Input): Call {
	if (restart === true || restart === "true") return ["ResetShell", {}];
	if (command === undefined || command === null) throw new Misunderstood(`${BASH} needs \`command\``, [BASH, { command: "…" }]);
	const [, verb, job] = JOB_COMMAND.exec(String(command)) ?? [];
	if (verb === "wait") return ["Wait", { job }];
	return verb === "kill" ? ["KillBackground", { handleId: job }] : ["Execute", { command }];
}

/** What each command of the editor can not do without. */
const NEEDS: Readonly<Record<string, Input>> = {
	view: { path: "…" },
	create: { path: "…", file_text: "…" },
	str_replace: { path: "…", old_str: "…" },
	insert: { path: "…", insert_line: 0, insert_text: "…" },
};

function isLike(value: unknown, like: unknown): boolean {
	return typeof like === "number" ? /^\s*\d+\s*$/.test(String(value)) : value !== undefined && value !== null;
}

function editorCall(input: Input): Call {
	const { command, path, view_range, file_text, old_str, new_str = "", insert_line, insert_text = input["new_str"] } = input;
	const needs = Object.hasOwn(NEEDS, String(command)) ? NEEDS[String(command)] : undefined;
	if (needs === undefined) {
		const message = `${EDITOR} has no command ${JSON.stringify(String(command).slice(0, 40))}; it has ${Object.keys(NEEDS).join(", ")}`;
		throw new Misunderstood(message, [EDITOR, { command: "view", path: path ?? "…" }]);
	}
	const given: Input = { ...input, insert_text };
	const missing = Object.entries(needs).filter(([name, like]) => !isLike(given[name], like));
	if (missing.length > 0) {
		const names = missing.map(([name, like]) => (typeof like === "number" ? `\`${name}\`, a number from 0 on` : `\`${name}\``)).join(", ");
		const known = Object.keys(needs).map((name) => [name, given[name]] as const);
		const right = Object.fromEntries(known.filter(([name, value]) => isLike(value, needs[name])));
		throw new Misunderstood(`the command ${command} of ${EDITOR} needs ${names}`, [EDITOR, { command, ...needs, ...briefly(right) }]);
	}
	switch (command) {
		case "view": {
			const [start, end] = String(view_range ?? "").match(/-?\d+/g) ?? [];
			// -1 is the last line.
			return ["ReadFile", { path, startLine: start, endLine: Number(end) === -1 ? undefined : end }];
		}
		case "create":
			return ["WriteFile", { path, content: file_text }];
		case "str_replace":
			return ["StrReplace", { path, replacements: [{ oldStr: old_str, newStr: new_str }] }];
		default:
			return ["InsertLines", { path, afterLine: insert_line, content: insert_text }];
	}
}

/** The calls of the toolbox that this contract has, too. */
const SAID: Readonly<Record<string, (args: Input) => Call>> = {
	Execute: ({ command }) => [BASH, { command }],
	ResetShell: () => [BASH, { restart: true }],
	Wait: ({ job }) => [BASH, { command: `wait job ${job}` }],
	KillBackground: ({ handleId }) => [BASH, { command: `kill job ${handleId}` }],
	ReadFile: ({ path, startLine, endLine }) => {
		const part = startLine !== undefined || endLine !== undefined;
		return [EDITOR, { command: "view", path, ...(part && { view_range: [startLine ?? 1, endLine ?? -1] }) }];
	},
	ListDirectory: ({ path }) => [EDITOR, { command: "view", path }],
	WriteFile: ({ path, content }) => [EDITOR, { command: "create", path, file_text: content }],
	InsertLines: ({ path, afterLine, content }) => [EDITOR, { command: "insert", path, insert_line: afterLine, insert_text: content }],
	StrReplace: ({ path, replacements }) => {
		// A call to make again may leave them out, when they are long.
		const [edit] = Array.isArray(replacements) ? replacements : [{ oldStr: "…", newStr: "…" }];
		return [EDITOR, { command: "str_replace", path, old_str: edit.oldStr, new_str: edit.newStr }];
	},
};

const DOOR: Door = {
	say: (name, args = {}) => {
		const call = SAID[name]?.(args);
		return call === undefined ? "" : callText(...call);
	},
	// As the contract says; neither hidden files nor what is in node_modules are among them.
	folderDepth: 2,
};

/** This contract numbers the lines of a file. */
function shownForEditor({ command }: Input, { structured, text }: ToolResult): string {
	const { content, startLine } = structured;
	if (command !== "view" || typeof content !== "string" || typeof startLine !== "number" || content === "") return text;
	const plain = content.replace(/\n$/, "");
	const lines = plain.split("\n");
	const numbered = lines.map((line, index) => `${String(startLine + index).padStart(6)}\t${line}`).join("\n");
	// After the line that begins it: what is said before may hold the same.
	return text.replace(`>\n${plain}`, () => `>\n${numbered}`);
}
