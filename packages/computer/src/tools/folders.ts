/** Folders: what is in them, what their files say, moved and copied. */
import { isComputerError } from "../errors/index.js";
import type { FileEntry } from "../index.js";
import { TOOL_BOUNDS, TOOL_LIMITS } from "../limits.js";
import { brief } from "./brief.js";
import { showLine } from "./clean.js";
import { asData } from "./data-text.js";
import { EVERYWHERE, FULL, flag, HINTS, list, parameters, STANDARD, text, tool, whole } from "./define.js";
import { excerpt } from "./excerpt.js";
import { fitting } from "./fitting.js";
import { guestPath, lastName } from "./place.js";
import type { Answer, ToolCall } from "./tool.js";

export const listDirectory = tool({
	name: "ListDirectory",
	title: "List a folder",
	description: "List a folder, by default the shell's.",
	input: parameters({ "path?": text(), "showHidden?": flag(), "recursive?": flag() }),
	output: {
		path: text(),
		entries: list(parameters({ path: text(), type: text(), size: whole() })),
		truncated: flag(),
	},
	hints: HINTS.READ,
	profiles: STANDARD,
	run: listing,
});

export const moveFile = tool({
	name: "MoveFile",
	title: "Move or rename",
	description: "Move or rename a file or folder.",
	input: parameters({ source: text(), destination: text() }),
	output: { path: text() },
	hints: HINTS.REPLACE,
	profiles: FULL,
	run: (call) => transfer(call, "move"),
});

export const copyFile = tool({
	name: "CopyFile",
	title: "Copy",
	description: "Copy a file or folder.",
	input: parameters({ source: text(), destination: text() }),
	output: { path: text() },
	hints: HINTS.REPLACE,
	profiles: FULL,
	run: (call) => transfer(call, "copy"),
});

export const searchInFiles = tool({
	name: "SearchInFiles",
	title: "Search in files",
	description: "Lines of files that match a regular expression. `glob` such as *.ts chooses files.",
	input: parameters({
		pattern: text(),
		"directory?": text(),
		"ignoreCase?": flag(),
		"glob?": text(),
		"maxResults?": { ...whole(), minimum: TOOL_BOUNDS.searchResults.min, maximum: TOOL_BOUNDS.searchResults.max },
	}),
	output: { matches: list(parameters({ path: text(), line: whole(), text: text() })), files: whole(), truncated: flag() },
	hints: HINTS.READ,
	profiles: EVERYWHERE,
	run: search,
});

async function listing(call: ToolCall): Promise<Answer> {
	const {
		path: asked = ".",
		showHidden = false,
		recursive = false,
	} = call.args as { path?: string; showHidden?: boolean; recursive?: boolean };
	const path = await guestPath(call, asked);
	const computer = await call.computer();
	const { signal } = call;
	const found = await computer.files.tree(path, {
		depth: recursive ? TOOL_LIMITS.listDepth : call.settings.folderDepth,
		max: TOOL_LIMITS.listEntries,
		hidden: showHidden,
		signal,
	});
	const { entries } = found;
	const base = entries[0] === undefined ? "" : entries[0].path.slice(0, -entries[0].name.length);
	const lines = entries.map((entry) => showLine(entryLine(entry, base)));
	const { maxOutputBytes: bytes, maxOutputTokens: tokens } = call.settings;
	const shown = excerpt(
		{ head: Buffer.from(lines.join("\n")) },
		{ bytes, tokens },
		(line) => line,
		(missing) => `[... ${missing} bytes more]`,
		1,
	);
	const facts = fitting(
		entries.map(({ path, type, size }) => ({ path, type, size })),
		bytes,
	);
	const truncated = found.truncated || shown.truncated || facts.length < entries.length;
	const more = truncated ? ": the first of more; list one of its folders for the rest" : "";
	return {
		text: `${showLine(path)}: ${entries.length} entries${more}\n${asData("list", shown.text)}`,
		structured: { path, entries: facts, truncated },
	};
}

function entryLine({ path, type, size, mode, target }: FileEntry, base: string): string {
	const name = (path.startsWith(base) ? path.slice(base.length) : path).replaceAll("\n", "\\n");
	if (type === "directory") return `${name}/`;
	if (type === "symlink") return `${name} -> ${(target ?? "").replaceAll("\n", "\\n")}`;
	if (type !== "file") return `${name} (${type})`;
	return `${name} ${size}${(mode & 0o111) === 0 ? "" : " x"}`;
}

async function transfer(call: ToolCall, way: "move" | "copy"): Promise<Answer> {
	const { source, destination } = call.args as { source: string; destination: string };
	const computer = await call.computer();
	const { signal } = call;
	const from = await guestPath(call, source);
	let to = await guestPath(call, destination);
	// As mv and cp do: into a folder that is there.
	const there = await computer.files.stat(to, { signal }).catch(() => undefined);
	if (there?.type === "directory" || to.endsWith("/")) to = `${to.replace(/\/+$/, "")}/${lastName(from)}`;
	const { path } = await computer.files[way](from, to, { signal });
	return { text: `${way === "move" ? "moved" : "copied"} ${showLine(from)} to ${showLine(path)}`, structured: { path } };
}

async function search(call: ToolCall): Promise<Answer> {
	const {
		pattern,
		directory,
		ignoreCase,
		glob,
		maxResults = TOOL_LIMITS.searchResults,
	} = call.args as {
		pattern: string;
		directory?: string;
		ignoreCase?: boolean;
		glob?: string;
		maxResults?: number;
	};
	const computer = await call.computer();
	const options = { path: await guestPath(call, directory ?? "."), ignoreCase, glob, maxResults, signal: call.signal };
	const notes: string[] = [];
	const found = await computer.files.search(pattern, options).catch((error: unknown) => {
		if (!isComputerError(error, "invalid_argument") || error.context["position"] === undefined) throw error;
		notes.push(`note: ${brief(JSON.stringify(pattern), 100)} is no regular expression; it was searched for as text`);
		return computer.files.search(pattern, { ...options, literal: true });
	});
	const lines = found.matches.map(({ path, line, text }) => showLine(`${path.replaceAll("\n", "\\n")}:${line}: ${text.trim()}`));
	const { maxOutputBytes: bytes, maxOutputTokens: tokens } = call.settings;
	const log = { head: Buffer.from(lines.join("\n")) };
	const shown = excerpt(
		log,
		{ bytes, tokens },
		(line) => line,
		(missing) => `[... ${missing} bytes more: search in one folder]`,
		1,
	);
	const matches = fitting(
		found.matches.map(({ path, line, text }) => ({ path, line, text })),
		bytes,
	);
	const truncated = found.truncated || shown.truncated || matches.length < found.matches.length;
	notes.push(
		found.matches.length === 0
			? `no line matches in ${found.searched} files below ${showLine(options.path)}`
			: `${found.matches.length}${found.truncated ? " of more" : ""} lines in ${found.files} files`,
	);
	return {
		text: [...notes, ...(lines.length === 0 ? [] : [asData("matches", shown.text)])].join("\n"),
		structured: { matches, files: found.files, truncated },
	};
}
