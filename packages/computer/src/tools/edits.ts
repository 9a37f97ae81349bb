/** Edits by exact text. What models get wrong there is repaired where it is plain, and otherwise answered with the text to use. */
import type { Computer } from "../computer.js";
import { type ComputerError, isComputerError } from "../errors/index.js";
import { showJson, showLine } from "./clean.js";
import { asData } from "./data-text.js";
import { EVERYWHERE, HINTS, list, parameters, STANDARD, text, tool, whole } from "./define.js";
import { type Budgets, excerpt, fits } from "./excerpt.js";
import { ToolFailure } from "./failure.js";
import { guestPath } from "./place.js";
import { isNumbered, unescapedLines, withoutLineNumbers } from "./repair-text.js";
import type { Answer, ToolCall } from "./tool.js";

interface Edit {
	readonly oldStr: string;
	readonly newStr: string;
}

export const strReplace = tool({
	name: "StrReplace",
	title: "Edit a file",
	description: "Replace exact texts in a file, each found once. All of them or none.",
	input: parameters({
		path: text(),
		replacements: { ...list(parameters({ oldStr: text(), newStr: text() })), minItems: 1 },
	}),
	output: { path: text(), lines: { type: "array", items: whole("Where each new text begins.") }, totalLines: whole() },
	hints: { ...HINTS.CHANGE, destructive: true },
	profiles: EVERYWHERE,
	run: replace,
	otherWay: "Do not send this edit again. Read those lines and copy from them what is to be replaced, or write the whole file.",
});

export const insertLines = tool({
	name: "InsertLines",
	title: "Insert lines",
	description: "Insert whole lines after a line; 0 is the beginning.",
	input: parameters({ path: text(), afterLine: { ...whole(), minimum: 0 }, content: text() }),
	output: { path: text(), firstLine: whole(), insertedLines: whole(), totalLines: whole() },
	hints: HINTS.CHANGE,
	profiles: STANDARD,
	run: insert,
});

/** Shown of the file around an edit that failed, and what the agent tells of it whole: it cuts at 4096 bytes. */
const MAX_SHOWN = 4000;
/** Of all replacements, as JSON, in the call to make instead. */
const MAX_CALL = 8000;

/** Of a result's budget one half for the call to make instead, the other for what differs. */
function half(call: ToolCall, maxBytes: number): Budgets {
	const { maxOutputBytes, maxOutputTokens } = call.settings;
	return { bytes: Math.min(maxBytes, maxOutputBytes >> 1), tokens: maxOutputTokens >> 1 };
}

async function replace(call: ToolCall): Promise<Answer> {
	const path = await guestPath(call, call.args["path"] as string);
	const computer = await call.computer();
	let edits = call.args["replacements"] as readonly Edit[];
	const notes: string[] = [];
	const empty = edits.findIndex(({ oldStr }) => oldStr === "");
	if (empty !== -1) throw await placeless(call, computer, path, whichOf(edits, empty));
	// Each repair mends one edit; what none mends, or a second time the same, is told.
	for (let left = edits.length; ; left--) {
		try {
			const replacements = edits.map(({ oldStr, newStr }) => ({ old: oldStr, new: newStr }));
			const { replaced, totalLines } = await computer.files.replace(path, replacements, { matchLineEndings: true, signal: call.signal });
			const lines = replaced.map(({ firstLine }) => firstLine);
			const where = `${lines.length === 1 ? "line" : "lines"} ${lines.join(", ")}`;
			return {
				text: [...notes, `replaced ${replaced.length} in ${showLine(path)}, at ${where} of ${totalLines}`].join("\n"),
				structured: { path, lines, totalLines },
			};
		} catch (error) {
			const index = indexOf(error);
			const edit = index === undefined ? undefined : edits[index];
			if (index === undefined || edit === undefined) throw error;
			const mended = left > 0 && Number((error as ComputerError).context["matches"]) === 0 ? mend(edit) : undefined;
			if (mended === undefined) throw await explained(call, computer, path, edits, index, error as ComputerError);
			notes.push(`note: replacement ${index + 1}: ${mended.note}`);
			edits = edits.with(index, mended.edit);
		}
	}
}

/** Nothing says where: a new file was meant, or lines to put in. */
async function placeless(call: ToolCall, computer: Computer, path: string, which: string): Promise<ToolFailure> {
	const lines = await computer.files.lines(path, { end: 1, signal: call.signal }).catch((error: unknown) => {
		if (isComputerError(error, "not_found")) return undefined;
		throw error;
	});
	const isNew = lines === undefined || lines.totalLines === 0;
	const inserting = isNew ? "" : call.say("InsertLines", { path, afterLine: lines.totalLines, content: "…" });
	return new ToolFailure({
		code: "invalid_argument",
		message: `${which} is empty, which says no place in ${path}; nothing was changed`,
		hint: isNew
			? "The file has nothing in it yet: write it whole."
			: "Give the text of the file that the new one stands for, or insert lines.",
		next: isNew ? call.say("WriteFile", { path, content: "…" }) : inserting || call.say("ReadFile", { path }),
	});
}

function whichOf(edits: readonly Edit[], index: number): string {
	return edits.length === 1 ? "oldStr" : `oldStr of replacement ${index + 1}`;
}

/** Which one did not match. */
function indexOf(error: unknown): number | undefined {
	if (!isComputerError(error, "invalid_argument") || typeof error.context["matches"] !== "number") return undefined;
	return Number(error.context["index"]);
}

function mend({ oldStr, newStr }: Edit): { readonly edit: Edit; readonly note: string } | undefined {
	const old = withoutLineNumbers(oldStr);
	if (old !== undefined) {
		return { edit: { oldStr: old, newStr: withoutLineNumbers(newStr) ?? newStr }, note: "line numbers were taken away" };
	}
	const unescaped = unescapedLines(oldStr);
	if (unescaped !== undefined) {
		return { edit: { oldStr: unescaped, newStr: unescapedLines(newStr) ?? newStr }, note: "`\\n` was read as a new line" };
	}
	return undefined;
}

const DIFFERENCES: Readonly<Record<string, string>> = {
	white_space: "only spaces, tabs or line breaks differ",
	case: "only upper and lower case differ",
	line_numbers: "the line numbers are no part of the file",
	line_endings: "only line endings differ",
};

async function explained(
	call: ToolCall,
	computer: Computer,
	path: string,
	edits: readonly Edit[],
	index: number,
	{ code, context }: ComputerError,
): Promise<ToolFailure> {
	const matches = Number(context["matches"]);
	const which = whichOf(edits, index);
	if (matches > 0) {
		const lines = ((context["lines"] ?? []) as unknown[]).map(Number);
		const first = Math.max(1, (lines[0] ?? 1) - 2);
		return new ToolFailure({
			code,
			message: `${which} is in ${path} ${matches} times, at lines ${lines.join(", ")}; nothing was changed`,
			hint: "Add the lines before or after the one place that is meant.",
			next: call.say("ReadFile", { path, startLine: first, endLine: first + 20 }),
		});
	}
	const closest = context["closest"] as { line?: unknown; text?: unknown; diff?: unknown } | undefined;
	if (typeof closest?.text !== "string" || typeof closest.line !== "number") {
		const { totalLines } = await computer.files.lines(path, { end: 1, signal: call.signal });
		return new ToolFailure({
			code,
			message: `${which} is not in ${path}, nor is anything like it; nothing was changed`,
			hint: `Read the file first (${totalLines} lines)${index > 0 ? ": earlier replacements change what later ones find" : ""}.`,
			next: call.say("ReadFile", { path }),
		});
	}
	// The agent answers with whole lines.
	const text = edits[index]?.oldStr.endsWith("\n") ? closest.text : closest.text.replace(/\r?\n$/, "");
	// What was cut, or is not UTF-8, would not be found either.
	const exact = Buffer.byteLength(closest.text) <= MAX_SHOWN && !text.includes("\ufffd");
	const replacements = edits.map((edit, at) => (at === index ? { ...edit, oldStr: text } : edit));
	const proposal = exact && fits(showJson(replacements) ?? "", half(call, MAX_CALL)) ? { path, replacements } : undefined;
	const difference = DIFFERENCES[String(context["difference"])];
	const diff = excerpt(
		{ head: Buffer.from(typeof closest.diff === "string" ? closest.diff : "") },
		half(call, MAX_SHOWN),
		showLine,
		(missing) => `[... ${missing} bytes more]`,
		1,
	).text;
	return new ToolFailure(
		{
			code,
			message: `${which} is not in ${path}; nothing was changed`,
			hint: `The closest text begins at line ${closest.line}${difference === undefined ? "; - is what you sent, + is the file" : `: ${difference}`}.`,
			next:
				proposal === undefined
					? call.say("ReadFile", { path, startLine: closest.line, endLine: closest.line + 40 })
					: `if that is what you mean: ${call.say("StrReplace", proposal)}`,
		},
		diff === "" ? "" : asData("diff", diff),
	);
}

/** Its own lines there begin with numbers: so may the new ones. */
async function isTable(call: ToolCall, computer: Computer, path: string, afterLine: number): Promise<boolean> {
	const start = Math.max(1, afterLine);
	const { text } = await computer.files.lines(path, { start, end: start + 1, maxBytes: MAX_SHOWN, signal: call.signal });
	return text.split("\n").some(isNumbered);
}

async function insert(call: ToolCall): Promise<Answer> {
	const { afterLine, content } = call.args as { afterLine: number; content: string };
	const path = await guestPath(call, call.args["path"] as string);
	const computer = await call.computer();
	const bare = withoutLineNumbers(content, true);
	const plain = bare === undefined || (await isTable(call, computer, path, afterLine)) ? undefined : bare;
	const done = await computer.files.insert(path, { afterLine, text: plain ?? content, signal: call.signal });
	const { firstLine, insertedLines, totalLines } = done;
	const last = firstLine + insertedLines - 1;
	return {
		text: `${plain === undefined ? "" : "note: line numbers were taken away\n"}inserted lines ${firstLine} to ${last} of ${showLine(path)}, now ${totalLines} lines`,
		structured: { path, firstLine, insertedLines, totalLines },
	};
}
