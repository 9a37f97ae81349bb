/** Anthropic's own tools, bash and text_editor, whose definitions its models know already: the same tools under other names. */
import type { Toolbox, ToolResult } from "../tools/index.js";

interface Context {
	readonly signal?: AbortSignal | null | undefined;
}

interface AnthropicTool<Type extends string, Name extends string> {
	readonly type: Type;
	readonly name: Name;
	readonly run: (input: unknown, context?: Context) => Promise<string>;
	readonly parse: (input: unknown) => unknown;
}

type Call = readonly [name: string, args: Readonly<Record<string, unknown>>];
type Input = Readonly<Record<string, unknown>>;

/** For `tools` of messages.create, and, with what runs them, of the toolRunner of the package `@anthropic-ai/sdk`. */
export function anthropicTools(
	toolbox: Toolbox,
): [AnthropicTool<"bash_20250124", "bash">, AnthropicTool<"text_editor_20250728", "str_replace_based_edit_tool">] {
	return [
		runnable(toolbox, "bash_20250124", "bash", bashCall),
		runnable(toolbox, "text_editor_20250728", "str_replace_based_edit_tool", editorCall, shownForEditor),
	];
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
			const [tool, args] = callOf(input);
			const result = await toolbox.call(tool, args, { signal: context?.signal ?? undefined });
			// That is how this contract marks a result as an error.
			if (result.isError) throw new Error(result.text);
			return shown(input, result);
		},
	};
}

function bashCall({ command, restart }: Input): Call {
	return restart === true || restart === "true" ? ["ResetShell", {}] : ["Execute", { command }];
}

function editorCall({ command, path, view_range, file_text, old_str, new_str = "", insert_line, insert_text }: Input): Call {
	const [startLine, endLine] = Array.isArray(view_range) ? view_range : (String(view_range ?? "").match(/-?\d+/g) ?? []);
	switch (command) {
		case "view":
			// -1 is the last line.
			return ["ReadFile", { path, startLine, endLine: Number(endLine) === -1 ? undefined : endLine }];
		case "create":
			return ["WriteFile", { path, content: file_text }];
		case "str_replace":
			return ["StrReplace", { path, replacements: [{ oldStr: old_str, newStr: new_str }] }];
		case "insert":
			return ["InsertLines", { path, afterLine: insert_line, content: insert_text ?? new_str }];
		default:
			return [`text editor command ${String(command).slice(0, 40)}`, {}];
	}
}

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
