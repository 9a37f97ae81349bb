/** Lines that match a pattern, anywhere below a directory: found by the agent, so that no file has to travel. */
import type { Abortable } from "../driver.js";
import { expectWhole, refuse } from "../expect.js";
import { BOUNDS, DEFAULTS } from "../limits.js";
import { begin } from "./answer.js";
import type { Connection } from "./connection.js";
import { readJsonLines } from "./json-lines.js";
import { absolutePath } from "./paths.js";
import { plainStream } from "./plain-stream.js";
import { broken, count, countOrZero, flag, type Json, oneOf, text } from "./shapes.js";

/** What a walk through a tree enters. */
export interface WalkOptions {
	/** Names that begin with a dot, too. */
	readonly hidden?: boolean | undefined;
	/** Enter `.git`, `node_modules` and `.cache`, too. Default false. */
	readonly all?: boolean | undefined;
	/** Heed `.gitignore` files, those above the path in its repository included. Default false. */
	readonly gitignore?: boolean | undefined;
}

/** `hidden` is true by default. */
export interface SearchOptions extends Abortable, WalkOptions {
	/** A directory or a regular file. Default: the home. */
	readonly path?: string | undefined;
	readonly ignoreCase?: boolean | undefined;
	/** The pattern is a text, not an expression. */
	readonly literal?: boolean | undefined;
	/** Without `/` for names anywhere, with it for paths below `path`; a leading `!` leaves out, the last that matches decides. */
	readonly glob?: string | readonly string[] | undefined;
	/** Matching lines, 1 to 100,000. Default 1000. */
	readonly maxResults?: number | undefined;
	/** Lines before and after each match, 0 to 20. Default 0. */
	readonly context?: number | undefined;
}

export interface SearchLine {
	/** From 1. */
	readonly line: number;
	/** Without its line ending, 500 bytes at most: of a longer one the part around the match. */
	readonly text: string;
	/** Bytes of the line that are missing before and after `text`. */
	readonly cutBefore: number;
	readonly cutAfter: number;
}

/** A line that matches, told once however often it does. */
export interface SearchMatch extends SearchLine {
	/** U+FFFD where it is not UTF-8. From the guest: never use it as a path on the host unchecked. */
	readonly path: string;
	/** The path's bytes, where it is not UTF-8. */
	readonly pathBytes?: Uint8Array;
	/** Of the first match in the line: from 1, in bytes. */
	readonly column: number;
	readonly length: number;
	/** Context, each line once: what lies between two matches is after the first one as far as that reaches. */
	readonly before: readonly SearchLine[];
	readonly after: readonly SearchLine[];
}

export interface SearchResult {
	/** In the order of paths, then of lines. */
	readonly matches: readonly SearchMatch[];
	/** How many have matches among these. */
	readonly files: number;
	/** There are more matches than these. */
	readonly truncated: boolean;
	/** Files that were read, were passed over as binary, could not be read. */
	readonly searched: number;
	readonly binary: number;
	readonly unreadable: number;
}

export async function search(connection: Connection, pattern: string, options: SearchOptions): Promise<SearchResult> {
	const { signal, path = "~", ignoreCase = false, literal = false, hidden = true, all = false, gitignore = false } = options;
	const glob = typeof options.glob === "string" ? [options.glob] : (options.glob ?? []);
	const { searchResults: results, searchContext: lines } = BOUNDS;
	const maxResults = expectWhole("maxResults", options.maxResults ?? DEFAULTS.searchResults, results.min, results.max);
	const context = expectWhole("context", options.context ?? 0, lines.min, lines.max);
	if (typeof pattern !== "string") refuse("pattern", "text", pattern);
	const walk = { path: absolutePath(path), glob, hidden, all, gitignore };
	const body = JSON.stringify({ pattern, ignoreCase, literal, maxResults, context, ...walk });
	const stream = connection.request("POST", "/v1/search", body);
	await begin(stream, signal);
	const findings = new Findings(maxResults, context);
	await readJsonLines(
		plainStream(stream, { signal, writable: false }),
		{ maxLineBytes: BOUNDS.searchLineBytes, maxBytes: BOUNDS.searchBytes },
		(json) => findings.take(json),
	);
	return findings.result();
}

/** The context where there is none. */
const NONE: SearchLine[] = [];
Object.freeze(NONE);

/** Puts context to its match, and counts: no guest makes it hold more than was asked for. */
class Findings {
	readonly #maxResults: number;
	readonly #context: number;
	readonly #matches: (SearchMatch & { readonly after: SearchLine[] })[] = [];
	/** Context that came since the last match's own. */
	#waiting: { readonly path: string; readonly line: SearchLine }[] = [];
	#summary: Omit<SearchResult, "matches"> | undefined;

	constructor(maxResults: number, context: number) {
		this.#maxResults = maxResults;
		this.#context = context;
	}

	take(json: Json): void {
		if (this.#summary !== undefined) throw broken("expected nothing after the summary of a search");
		const type = oneOf(json, "type", ["match", "context", "summary"]);
		if (type === "match") this.#match(json);
		else if (type === "context") this.#add(text(json, "path"), searchLine(json));
		else this.#sum(json);
	}

	result(): SearchResult {
		if (this.#summary === undefined) throw broken("expected a summary at the end of a search");
		return { matches: this.#matches, ...this.#summary };
	}

	#match(json: Json): void {
		if (this.#matches.length === this.#maxResults) throw broken(`expected at most ${this.#maxResults} matches, got more`);
		const path = text(json, "path");
		const last = this.#matches.at(-1);
		const pathBytes = json["pathBase64"] === undefined ? undefined : Buffer.from(text(json, "pathBase64"), "base64");
		let before = NONE;
		if (this.#waiting.length > 0) {
			before = this.#waiting.filter((waiting) => waiting.path === path).map(({ line }) => line);
			this.#waiting = [];
		}
		this.#matches.push({
			// One text for all of a file: there may be many.
			path: last?.path === path ? last.path : path,
			...(pathBytes !== undefined && { pathBytes }),
			line: count(json, "line"),
			text: text(json, "text"),
			cutBefore: countOrZero(json, "cutBefore"),
			cutAfter: countOrZero(json, "cutAfter"),
			column: count(json, "column"),
			// Left out by the agent where it is 0: an empty match.
			length: countOrZero(json, "length"),
			before,
			after: this.#context > 0 ? [] : NONE,
		});
	}

	#add(path: string, line: SearchLine): void {
		const last = this.#matches.at(-1);
		const after = last?.path === path && line.line > last.line && line.line <= last.line + this.#context;
		if (after && last.after.length < this.#context) last.after.push(line);
		else if (this.#waiting.length < this.#context) this.#waiting.push({ path, line });
		else throw broken(`expected at most ${this.#context} lines of context, got more`);
	}

	#sum(json: Json): void {
		if (count(json, "matches") !== this.#matches.length) throw broken(`expected as many matches as came, ${this.#matches.length}`);
		this.#summary = {
			files: count(json, "files"),
			truncated: flag(json, "truncated"),
			searched: count(json, "searched"),
			binary: count(json, "binary"),
			unreadable: count(json, "unreadable"),
		};
	}
}

function searchLine(json: Json): SearchLine {
	return {
		line: count(json, "line"),
		text: text(json, "text"),
		cutBefore: countOrZero(json, "cutBefore"),
		cutAfter: countOrZero(json, "cutAfter"),
	};
}
