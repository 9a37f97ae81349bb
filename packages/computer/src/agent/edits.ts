/** Lines of text files: read by number, replaced by their exact bytes, put in between. */
import type { Abortable } from "../driver.js";
import { ComputerError } from "../errors/index.js";
import { expectWellFormed, expectWhole, refuse } from "../expect.js";
import { BOUNDS } from "../limits.js";
import { headerNumber } from "./commands.js";
import type { Connection } from "./connection.js";
import { type FileEntry, fileEntry } from "./file-entry.js";
import { encodePath, type GuestPath } from "./paths.js";
import { broken, count, counts, type Json } from "./shapes.js";

export interface LinesOptions extends Abortable {
	/** First line, from 1. Default 1. */
	readonly start?: number | undefined;
	/** Last line, itself included; past the end of the file is fine. Default: the last one. */
	readonly end?: number | undefined;
	/** As many whole lines as fit; a single longer one is cut. 1 to 16 MiB, the default. */
	readonly maxBytes?: number | undefined;
}

export interface Lines {
	/** With their line endings; U+FFFD for what is not UTF-8. */
	readonly text: string;
	readonly bytes: Buffer;
	readonly startLine: number;
	/** The last line that came; `startLine - 1` when none did. */
	readonly endLine: number;
	/** A last line without a newline counts. */
	readonly totalLines: number;
	/** Where these bytes begin in the file. */
	readonly offset: number;
	/** There was more than maxBytes. */
	readonly truncated: boolean;
	/** A NUL is in the first 8 KiB. */
	readonly binary: boolean;
}

export interface Replacement {
	/** Found exactly once, overlapping places counted. Every character means itself. */
	readonly old: string | Uint8Array;
	readonly new: string | Uint8Array;
	/** Found once or more, and replaced everywhere. Default false. */
	readonly all?: boolean | undefined;
}

export interface ReplaceOptions extends Abortable {
	/** The line endings of `old` and `new` become those of the file. Default false. */
	readonly matchLineEndings?: boolean | undefined;
}

export interface Replaced {
	readonly entry: FileEntry;
	/** In the order of the replacements: how often, and the line where the first new text begins. */
	readonly replaced: readonly { readonly count: number; readonly firstLine: number }[];
	readonly totalLines: number;
}

export interface InsertOptions extends Abortable {
	/** 0: before the first line. Past the last one: at the end. */
	readonly afterLine: number;
	/** Whole lines: the last one needs no newline. They get the file's line ending. */
	readonly text: string;
}

export interface Inserted {
	readonly entry: FileEntry;
	readonly firstLine: number;
	readonly insertedLines: number;
	readonly totalLines: number;
}

const MAX_LINE = Number.MAX_SAFE_INTEGER;

export async function readLines(connection: Connection, path: GuestPath, options: LinesOptions): Promise<Lines> {
	const { signal, maxBytes = BOUNDS.linesBytes } = options;
	const start = expectWhole("start", options.start ?? 1, 1, MAX_LINE);
	let url = `/v1/files/lines?path=${encodePath(path)}&start=${start}`;
	if (options.end !== undefined) url += `&end=${expectWhole("end", options.end, start, MAX_LINE)}`;
	url += `&maxBytes=${expectWhole("maxBytes", maxBytes, 1, BOUNDS.linesBytes)}`;
	const { headers, body } = await connection.bytes(url, maxBytes, signal);
	const endLine = headerNumber(headers["lms-end"]);
	if (endLine < start - 1 || endLine > (options.end ?? MAX_LINE)) throw broken(`expected lines from ${start}, got some up to ${endLine}`);
	return {
		text: body.toString("utf8"),
		bytes: body,
		startLine: start,
		endLine,
		totalLines: headerNumber(headers["lms-total-lines"]),
		offset: headerNumber(headers["lms-offset"]),
		truncated: headers["lms-truncated"] === "1",
		binary: headers["lms-binary"] === "1",
	};
}

export async function replaceText(
	connection: Connection,
	path: GuestPath,
	replacements: readonly Replacement[],
	{ signal, matchLineEndings = false }: ReplaceOptions,
): Promise<Replaced> {
	const { min, max } = BOUNDS.replacements;
	if (!Array.isArray(replacements)) refuse("replacements", "a list", replacements);
	expectWhole("the number of replacements", replacements.length, min, max);
	const body = { matchLineEndings, replacements: replacements.map(replacementJson) };
	const json = await post(connection, `/v1/files/replace?path=${encodePath(path)}`, body, signal);
	const matches = counts(json, "replaced", replacements.length);
	const lines = counts(json, "firstLines", replacements.length);
	return {
		entry: fileEntry(json),
		replaced: matches.map((found, index) => ({ count: found, firstLine: lines[index] as number })),
		totalLines: count(json, "totalLines"),
	};
}

export async function insertLines(connection: Connection, path: GuestPath, options: InsertOptions): Promise<Inserted> {
	const afterLine = expectWhole("afterLine", options.afterLine, 0, MAX_LINE);
	const body = { afterLine, text: expectWellFormed("text", options.text) };
	const json = await post(connection, `/v1/files/insert?path=${encodePath(path)}`, body, options.signal);
	return {
		entry: fileEntry(json),
		firstLine: count(json, "firstLine"),
		insertedLines: count(json, "insertedLines"),
		totalLines: count(json, "totalLines"),
	};
}

function replacementJson(replacement: Replacement, index: number): Json {
	if (typeof replacement !== "object" || replacement === null) refuse(`replacement ${index + 1}`, "an object", replacement);
	const { old, new: by, all = false } = replacement;
	if (old?.length === 0) refuse(`old of replacement ${index + 1}`, "the text to replace", old);
	return { all, ...bytesJson("old", old, index), ...bytesJson("new", by, index) };
}

/** JSON carries text alone: other bytes go as base64. */
function bytesJson(key: "old" | "new", value: string | Uint8Array, index: number): Json {
	if (value instanceof Uint8Array)
		return { [`${key}Base64`]: Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64") };
	return { [key]: expectWellFormed(`${key} of replacement ${index + 1}`, value) };
}

function post(connection: Connection, url: string, body: Json, signal: AbortSignal | undefined): Promise<Json> {
	const text = JSON.stringify(body);
	const length = Buffer.byteLength(text);
	if (length > BOUNDS.editBytes) {
		throw new ComputerError("too_large", `expected an edit of at most ${BOUNDS.editBytes} bytes as JSON, got ${length}`, {
			hint: "Make several smaller edits, or write the whole file.",
		});
	}
	return connection.json("POST", url, text, signal);
}
