import { asData } from "./data-text.js";
import { EVERYWHERE, flag, HINTS, parameters, text, tool, whole } from "./define.js";
import type { Answer, ToolCall } from "./tool.js";

export const readFile = tool({
	name: "ReadFile",
	title: "Read a file",
	description: "Read a text file, or lines of it (from 1, both ends included).",
	input: parameters({ path: text(), "startLine?": whole(), "endLine?": whole() }),
	output: { path: text(), content: text(), startLine: whole(), endLine: whole(), totalLines: whole(), truncated: flag() },
	hints: HINTS.READ,
	profiles: EVERYWHERE,
	run: read,
});

export const writeFile = tool({
	name: "WriteFile",
	title: "Write a file",
	description: "Write a whole file; folders are made. Replaces what is there.",
	input: parameters({ path: text(), content: text(), "makeExecutable?": flag() }),
	output: { path: text(), bytes: whole() },
	hints: HINTS.REPLACE,
	profiles: EVERYWHERE,
	run: write,
});

async function read(call: ToolCall): Promise<Answer> {
	const { path, startLine = 1, endLine } = call.args as { path: string; startLine?: number; endLine?: number };
	const computer = await call.computer();
	const lines = await computer.files.lines(path, {
		start: startLine,
		end: endLine,
		maxBytes: call.settings.maxOutputBytes,
		signal: call.signal,
	});
	const { endLine: last, totalLines, truncated } = lines;
	const more = truncated ? `\nnext: ${call.say("ReadFile", { path, startLine: last + 1 })}` : "";
	return {
		text: `${path}: lines ${startLine} to ${last} of ${totalLines}\n${asData("file", lines.text)}${more}`,
		structured: { path, content: lines.text, startLine, endLine: last, totalLines, truncated },
	};
}

async function write(call: ToolCall): Promise<Answer> {
	const { path, content, makeExecutable } = call.args as { path: string; content: string; makeExecutable?: boolean };
	const computer = await call.computer();
	const entry = await computer.files.write(path, content, { mode: makeExecutable ? 0o755 : undefined, signal: call.signal });
	return { text: `wrote ${entry.size} bytes to ${entry.path}`, structured: { path: entry.path, bytes: entry.size } };
}
