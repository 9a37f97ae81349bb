/** Files: read by line, written whole, added to. */
import { isComputerError } from "../errors/index.js";
import type { FileEntry } from "../index.js";
import { TOOL_LIMITS } from "../limits.js";
import { showLine } from "./clean.js";
import { asData } from "./data-text.js";
import { EVERYWHERE, flag, HINTS, parameters, STANDARD, text, tool, whole } from "./define.js";
import { excerpt } from "./excerpt.js";
import { ToolFailure } from "./failure.js";
import { listDirectory } from "./folders.js";
import { guestPath } from "./place.js";
import { shellPath } from "./shell-word.js";
import type { Answer, ToolCall } from "./tool.js";
import { fileUri } from "./uris.js";

const NEWLINE = 0x0a;

export const readFile = tool({
	name: "ReadFile",
	title: "Read a file",
	description: "Read a text file, or lines of it (from 1, inclusive).",
	input: parameters({ path: text(), "startLine?": { ...whole(), minimum: 1 }, "endLine?": { ...whole(), minimum: 1 } }),
	output: { path: text(), content: text(), startLine: whole(), endLine: whole(), totalLines: whole(), truncated: flag() },
	hints: HINTS.READ,
	profiles: EVERYWHERE,
	run: read,
});

export const writeFile = tool({
	name: "WriteFile",
	title: "Write a file",
	description: "Write a whole file, replacing what is there; folders are made.",
	input: parameters({ path: text(), content: text(), "makeExecutable?": flag() }),
	output: { path: text(), bytes: whole() },
	hints: HINTS.REPLACE,
	profiles: EVERYWHERE,
	run: write,
});

export const appendFile = tool({
	name: "AppendFile",
	title: "Add to a file",
	description: "Add to the end of a file, which is made if missing.",
	input: parameters({ path: text(), content: text() }),
	output: { path: text(), bytes: whole() },
	hints: HINTS.CHANGE,
	profiles: STANDARD,
	run: append,
});

async function read(call: ToolCall): Promise<Answer> {
	const { startLine = 1, endLine } = call.args as { startLine?: number; endLine?: number };
	const path = await guestPath(call, call.args["path"] as string);
	const computer = await call.computer();
	const { maxOutputBytes: bytes, maxOutputTokens: tokens } = call.settings;
	const end = endLine === undefined ? undefined : Math.max(startLine, endLine);
	const lines = await computer.files
		.lines(path, { start: startLine, end, maxBytes: bytes, signal: call.signal })
		.catch((error: unknown) => {
			if (isComputerError(error, "not_a_file") && error.context["type"] === "directory") return undefined;
			throw error;
		});
	// What is meant is plain.
	if (lines === undefined) return await listDirectory.run({ ...call, args: { path } });
	if (lines.binary) return binary(call, path, await computer.files.stat(path, { signal: call.signal }));
	let changed = false;
	const clean = (line: string) => {
		const shownLine = showLine(line);
		changed ||= shownLine !== line;
		return shownLine;
	};
	const shown = excerpt({ head: lines.bytes }, { bytes, tokens }, clean, () => "", 1);
	const content = shown.truncated ? shown.text.replace(/\n$/, "") : shown.text;
	const last = shown.truncated ? Math.max(startLine, startLine + content.split("\n").length - 2) : lines.endLine;
	const truncated = shown.truncated || lines.truncated;
	const shownPath = showLine(path);
	const notes = [`${shownPath}: lines ${startLine} to ${last} of ${lines.totalLines}`];
	if (lines.totalLines === 0) notes[0] = `${shownPath}: an empty file`;
	else if (startLine > lines.totalLines) notes[0] = `${shownPath}: it has ${lines.totalLines} lines, none from ${startLine} on`;
	if (truncated && lines.bytes[shown.nextOffset - 1] !== NEWLINE) notes.push(cutNote(call, path, last, shown.nextOffset));
	if (truncated && last < Math.min(end ?? lines.totalLines, lines.totalLines))
		notes.push(`next: ${call.say("ReadFile", { path, startLine: last + 1 })}`);
	if (content.includes("\ufffd")) notes.push("note: bytes that are not UTF-8 are shown as \ufffd");
	if (changed) notes.push("note: characters that do not show are written as their numbers");
	return {
		text: [...notes, asData("file", content)].join("\n"),
		structured: { path, content, startLine, endLine: last, totalLines: lines.totalLines, truncated },
		links: [fileLink(path)],
	};
}

/** Only the first line of what is shown is ever cut, so where it is cut is a place in that line. */
function cutNote(call: ToolCall, path: string, line: number, shownBytes: number): string {
	// A little less than what fitted here fits into the result of that command, too.
	const command = `sed -n ${line}p ${shellPath(path)} | tail -c +${shownBytes + 1} | head -c ${(3 * shownBytes) >> 2}`;
	return `note: line ${line} is cut after ${shownBytes} bytes. ${call.say("Execute", { command })} shows more of it`;
}

function binary(call: ToolCall, path: string, { size }: FileEntry): Answer {
	const next = call.say("Execute", { command: `file ${shellPath(path)}; head -c 256 ${shellPath(path)} | od -c` });
	return {
		text: `${showLine(path)} is no text but ${size} bytes of data\nnext: ${next}`,
		structured: { path, content: "", truncated: true },
		links: [fileLink(path)],
	};
}

async function write(call: ToolCall): Promise<Answer> {
	const { content, makeExecutable } = call.args as { content: string; makeExecutable?: boolean };
	const path = await guestPath(call, call.args["path"] as string);
	const computer = await call.computer();
	checkSize(call, path, content);
	const entry = await computer.files.write(path, content, { mode: makeExecutable ? 0o755 : undefined, signal: call.signal });
	return written(entry, "wrote");
}

async function append(call: ToolCall): Promise<Answer> {
	const content = call.args["content"] as string;
	const path = await guestPath(call, call.args["path"] as string);
	const computer = await call.computer();
	checkSize(call, path, content);
	return written(await computer.files.write(path, content, { append: true, signal: call.signal }), "added to");
}

function checkSize(call: ToolCall, path: string, content: string): void {
	const bytes = Buffer.byteLength(content);
	if (bytes <= TOOL_LIMITS.writeBytes) return;
	throw new ToolFailure({
		code: "too_large",
		message: `expected at most ${TOOL_LIMITS.writeBytes} bytes to write, got ${bytes}`,
		hint: "Write a part, and add the others to it; or make it with a command.",
		next: call.say("AppendFile", { path, content: "…" }),
	});
}

function written({ path, size }: FileEntry, verb: string): Answer {
	return { text: `${verb} ${showLine(path)}, now ${size} bytes`, structured: { path, bytes: size }, links: [fileLink(path)] };
}

function fileLink(path: string): { uri: string; name: string } {
	return { uri: fileUri(path), name: path };
}
