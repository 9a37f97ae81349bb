/** Text as models send it, made into what they mean. Each answers undefined where there is nothing to repair. */
import { shellPath } from "./shell-word.js";

export interface TextRepair {
	readonly text: string;
	/** For the model. */
	readonly note: string;
}

type Repair = (text: string) => TextRepair | undefined;

/** ```bash … ``` around all of it. */
const fence: Repair = (text) => {
	const inside = /^\s*```[\w+-]*[ \t]*\r?\n([\s\S]*?)\r?\n?```\s*$/.exec(text)?.[1] ?? /^\s*`([^`\n]+)`\s*$/.exec(text)?.[1];
	return inside === undefined ? undefined : { text: inside, note: "the code block's marks around it were taken away" };
};

/** `$ make` copied from a terminal; every line that is not continued has to begin so. */
const prompt: Repair = (text) => {
	const lines = text.split("\n");
	if (!lines.every((line) => line.trim() === "" || /^\s*\$ /.test(line)) || text.trim() === "") return undefined;
	return { text: lines.map((line) => line.replace(/^\s*\$ /, "")).join("\n"), note: "the prompt `$ ` before it was taken away" };
};

/** A heredoc, or several lines, whose newlines were escaped once too often: without a newline no heredoc has a body. */
const escapedHeredoc: Repair = (text) => {
	if (text.includes("\n") || !/<<-?\s*(['"]?)[A-Za-z_]\w*\1/.test(text) || !text.includes("\\n")) return undefined;
	return { text: unescaped(text), note: "`\\n` was read as a new line, since a heredoc needs some" };
};

/** A file of one line in which every line end is the two characters `\n`, outside of any quotes. */
const escapedLines: Repair = (text) => {
	if (text.includes("\n") || !text.includes("\\n")) return undefined;
	const outside = text.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, "");
	// Escaped once too often, a backslash of its own would be two: this is LaTeX, an expression, a path of Windows.
	if (/(?<!\\)(?:\\\\)*\\[ac-eg-mo-qsv-wyzA-Z]/.test(outside)) return undefined;
	if ((outside.match(/\\n/g) ?? []).length < 2 || /[\\/]n\w+\\/.test(outside)) return undefined;
	return { text: unescaped(text), note: "`\\n` was read as a new line, since the whole text was one line" };
};

export const COMMAND_REPAIRS: readonly Repair[] = [fence, prompt, escapedHeredoc];
export const CONTENT_REPAIRS: readonly Repair[] = [escapedLines];

/** A program and its arguments, each by itself: `["ls", "-la"]`; or whole lines, of which the first has more than a program's name. */
export function listedCommand(words: readonly string[]): string {
	if (words.length === 1 || /\s/.test(words[0] ?? "")) return words.join("\n");
	return words.map(shellPath).join(" ");
}

/** Quotes, a scheme or `$HOME` around a path. */
export const PATH_REPAIRS: readonly Repair[] = [
	(text) => {
		const path = text
			.trim()
			.replace(/^(["'`])(.*)\1$/, "$2")
			.replace(/^file:\/\/(?=\/)/, "")
			.replace(/^\$(HOME|\{HOME\})(?=\/|$)/, "~");
		return path === text || path === "" ? undefined : { text: path, note: `was read as ${JSON.stringify(path)}` };
	},
];

function unescaped(text: string): string {
	return text.replace(/\\(n|t|"|\\)/g, (_, character: string) => ({ n: "\n", t: "\t", '"': '"', "\\": "\\" })[character] ?? character);
}

/** The same for text to replace that is not in a file as it is. */
export function unescapedLines(text: string): string | undefined {
	return text.includes("\\n") || text.includes('\\"') ? unescaped(text) : undefined;
}

const NUMBERED = /^\s*(\d+)(?:\t|: ?|\s?\| ?|\s?→|\)\s)(.*)$/;
/** What no text of its own looks like: `1: x` may well be YAML. */
const SURELY_NUMBERED = /^\s*(\d+)(?:\t|\s?\| ?|\s?→)(.*)$/;

/** What a table of its own may begin with, too. */
export function isNumbered(line: string): boolean {
	return SURELY_NUMBERED.test(line);
}

/** Line numbers pasted from a listing: before every line, and counting up by one. */
export function withoutLineNumbers(text: string, sure = false): string | undefined {
	const lines = text.split("\n");
	const body = lines.at(-1) === "" ? lines.slice(0, -1) : lines;
	const matches = body.map((line) => (sure ? SURELY_NUMBERED : NUMBERED).exec(line));
	if (body.length < (sure ? 2 : 1) || matches.some((match) => match === null)) return undefined;
	const numbers = matches.map((match) => Number(match?.[1]));
	if (numbers.some((number, index) => index > 0 && number !== (numbers[index - 1] as number) + 1)) return undefined;
	return [...matches.map((match) => match?.[2] ?? ""), ...(body.length < lines.length ? [""] : [])].join("\n");
}
