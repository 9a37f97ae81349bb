/** Files of a computer. Paths that are relative, `~` or `~/…` begin at its home, everywhere. */
import type { Readable } from "node:stream";
import type { Abortable } from "../driver.js";
import { ComputerError, isComputerError } from "../errors/index.js";
import { expectWhole } from "../expect.js";
import { BOUNDS } from "../limits.js";
import { Bytes } from "./answer.js";
import { headerNumber } from "./commands.js";
import {
	type Inserted,
	type InsertOptions,
	insertLines,
	type Lines,
	type LinesOptions,
	type Replaced,
	type Replacement,
	type ReplaceOptions,
	readLines,
	replaceText,
} from "./edits.js";
import { type FileEntry, fileEntry } from "./file-entry.js";
import type { AgentLink } from "./link.js";
import { encodePath, type GuestPath } from "./paths.js";
import { plainStream } from "./plain-stream.js";
import { type SearchOptions, type SearchResult, search, type WalkOptions } from "./search.js";
import { flag, list, parseJson } from "./shapes.js";
import type { TransferOptions, TransferResult, UploadOptions } from "./transfer.js";
import { download } from "./transfer-download.js";
import { upload } from "./transfer-upload.js";
import { expectSource, type Source } from "./write.js";

export interface ReadOptions extends Abortable {
	/** First byte. Default 0. */
	readonly offset?: number | undefined;
	/** Bytes at most. Default: to the end. */
	readonly length?: number | undefined;
}

export interface WriteOptions extends Abortable {
	/** Permission bits of a new file, such as 0o755. An existing file keeps its own unless given. */
	readonly mode?: number | undefined;
	/** Add to the end instead of replacing the content. */
	readonly append?: boolean | undefined;
}

export interface DirectoryListing {
	/** Sorted, 10,000 at most. */
	readonly entries: readonly FileEntry[];
	readonly truncated: boolean;
}

/** `hidden` is false by default. What is not entered is shown all the same. */
export interface TreeOptions extends Abortable, WalkOptions {
	/** Levels, 1 to 2048. 1 is the directory alone. Default 64. */
	readonly depth?: number | undefined;
	/** Entries, 1 to 10,000, the default. */
	readonly max?: number | undefined;
}

const COPIED_BYTES = 64 * 1024;
/** Read into memory in one piece. Past it: readStream, or offset and length. */
const MAX_READ_BYTES = 512 * 1024 * 1024;

export class Files {
	readonly #link: AgentLink;

	/** @internal */
	constructor(link: AgentLink) {
		this.#link = link;
	}

	/** A regular file's bytes, 512 MiB at most (`too_large`). A FIFO, a device, a directory is `not_a_file` at once. */
	async read(path: GuestPath, options: ReadOptions = {}): Promise<Buffer> {
		const url = readUrl(path, options);
		const { stream, headers } = await (await this.#link.get(options.signal)).open("GET", url, options.signal);
		const declared = headers["content-length"] === undefined ? 0 : headerNumber(headers["content-length"]);
		const maxBytes = Math.min(options.length ?? MAX_READ_BYTES, MAX_READ_BYTES);
		const file = plainStream(stream, { signal: options.signal, writable: false });
		const body = new Bytes(maxBytes);
		let tooLarge = declared > maxBytes;
		for await (const chunk of tooLarge ? [] : file) {
			tooLarge = !body.push(chunk as Buffer);
			if (tooLarge) break;
		}
		if (tooLarge) {
			file.destroy();
			throw new ComputerError("too_large", `expected at most ${maxBytes} bytes to read, got ${Math.max(body.size, declared)}`, {
				hint: "Use readStream, or read a part with offset and length.",
			});
		}
		const all = body.all();
		// A small one would hold all that came with it.
		return all.length < COPIED_BYTES ? Buffer.from(all) : all;
	}

	/** The same as text; what is not UTF-8 becomes U+FFFD. */
	async readText(path: GuestPath, options: ReadOptions = {}): Promise<string> {
		return (await this.read(path, options)).toString("utf8");
	}

	/** The same as a stream, of any size. Destroy it to stop early. */
	async readStream(path: GuestPath, options: ReadOptions = {}): Promise<Readable> {
		const url = readUrl(path, options);
		const { stream } = await (await this.#link.get(options.signal)).open("GET", url, options.signal);
		return plainStream(stream, { signal: options.signal, writable: false });
	}

	/** Parents are made. The old content or the new, nothing between: a source that fails halfway changes nothing. */
	async write(path: GuestPath, source: Source, options: WriteOptions = {}): Promise<FileEntry> {
		let url = `/v1/files/write?path=${encodePath(path)}`;
		expectSource("the content", source);
		if (options.mode !== undefined) url += `&mode=${octal(options.mode)}`;
		if (options.append) url += "&append=1";
		const connection = await this.#link.get(options.signal);
		return fileEntry(parseJson(await connection.send("PUT", url, source, options.signal), "the file that was written"));
	}

	/** Looks through a symlink unless `followSymlink` is false. */
	async stat(path: GuestPath, options: Abortable & { readonly followSymlink?: boolean | undefined } = {}): Promise<FileEntry> {
		const follow = options.followSymlink === false ? "" : "&follow=1";
		const connection = await this.#link.get(options.signal);
		return fileEntry(await connection.json("GET", `/v1/files/stat?path=${encodePath(path)}${follow}`, undefined, options.signal));
	}

	/** Whether something is there; a symlink counts even if its target is gone. */
	async exists(path: GuestPath, options: Abortable = {}): Promise<boolean> {
		try {
			await this.stat(path, { ...options, followSymlink: false });
			return true;
		} catch (error) {
			if (isComputerError(error, "not_found") || isComputerError(error, "not_a_directory")) return false;
			throw error;
		}
	}

	async list(path: GuestPath = "~", options: Abortable = {}): Promise<DirectoryListing> {
		return this.#listing(`/v1/files/list?path=${encodePath(path)}`, options);
	}

	/** A directory and those below it, in the order of paths. Symlinks are not followed. */
	async tree(path: GuestPath = "~", options: TreeOptions = {}): Promise<DirectoryListing> {
		let url = `/v1/files/tree?path=${encodePath(path)}`;
		const { treeDepth, treeEntries } = BOUNDS;
		if (options.depth !== undefined) url += `&depth=${expectWhole("depth", options.depth, treeDepth.min, treeDepth.max)}`;
		if (options.max !== undefined) url += `&max=${expectWhole("max", options.max, treeEntries.min, treeEntries.max)}`;
		for (const key of ["hidden", "all", "gitignore"] as const) if (options[key]) url += `&${key}=1`;
		return this.#listing(url, options);
	}

	/**
	 * The lines that match an expression (RE2) or a literal text, one line at a time. Binary files, symlinks and file systems
	 * such as /proc are passed over. Past `maxResults` it stops, and says so.
	 */
	async search(pattern: string, options: SearchOptions = {}): Promise<SearchResult> {
		return search(await this.#link.get(options.signal), pattern, options);
	}

	/** Lines of a file of any size, by number. */
	async lines(path: GuestPath, options: LinesOptions = {}): Promise<Lines> {
		return readLines(await this.#link.get(options.signal), path, options);
	}

	/**
	 * 1 to 100 exact replacements, each in the result of the one before, and the file is written once: all of them or none. Mode,
	 * owner and line endings are kept. One that is not found once is `invalid_argument`; its context and hint say what is there
	 * instead. A file that something else changes meanwhile is `busy`, and one request takes 16 MiB (`too_large`).
	 */
	async replace(path: GuestPath, replacements: readonly Replacement[], options: ReplaceOptions = {}): Promise<Replaced> {
		return replaceText(await this.#link.get(options.signal), path, replacements, options);
	}

	/** Puts whole lines between two of an existing file, 16 MiB at most. */
	async insert(path: GuestPath, options: InsertOptions): Promise<Inserted> {
		return insertLines(await this.#link.get(options.signal), path, options);
	}

	/** With its parents; an existing directory is fine. */
	async mkdir(path: GuestPath, options: Abortable & { readonly mode?: number | undefined } = {}): Promise<FileEntry> {
		const mode = options.mode === undefined ? "" : `&mode=${octal(options.mode)}`;
		return this.#change(`mkdir?path=${encodePath(path)}${mode}`, options);
	}

	/** A symlink itself, never its target. A directory that is not empty needs `recursive`. */
	async remove(path: GuestPath, options: Abortable & { readonly recursive?: boolean | undefined } = {}): Promise<void> {
		const connection = await this.#link.get(options.signal);
		await connection.send(
			"POST",
			`/v1/files/remove?path=${encodePath(path)}${options.recursive ? "&recursive=1" : ""}`,
			"",
			options.signal,
		);
	}

	/** Parents are made, an existing file is replaced, across file systems too. */
	async move(from: GuestPath, to: GuestPath, options: Abortable = {}): Promise<FileEntry> {
		return this.#change(`move?from=${encodePath(from, "from")}&to=${encodePath(to, "to")}`, options);
	}

	/** As move; directories with all they hold, symlinks as symlinks, mode and time kept. */
	async copy(from: GuestPath, to: GuestPath, options: Abortable = {}): Promise<FileEntry> {
		return this.#change(`copy?from=${encodePath(from, "from")}&to=${encodePath(to, "to")}`, options);
	}

	async #listing(url: string, { signal }: Abortable): Promise<DirectoryListing> {
		const json = await (await this.#link.get(signal)).json("GET", url, undefined, signal);
		return { entries: list(json, "entries", fileEntry), truncated: flag(json, "truncated") };
	}

	/**
	 * A file or a whole folder of this host becomes `guestPath`, parents made; a folder that is there is added to. What it replaces stays until all has
	 * come. Any path that this process may read: ask the user first. Symlinks in it stay symlinks; one as `hostPath` is `not_a_file`.
	 */
	async upload(hostPath: string, guestPath: GuestPath, options: UploadOptions = {}): Promise<TransferResult> {
		return upload(this.#link, hostPath, guestPath, options);
	}

	/**
	 * The other way. Nothing lands outside of `hostPath`, and nothing of it changes before all has come. Symlinks that lead out of the folder are skipped,
	 * and those that are there are replaced, never followed.
	 */
	async download(guestPath: GuestPath, hostPath: string, options: TransferOptions = {}): Promise<TransferResult> {
		return download(this.#link, guestPath, hostPath, options);
	}

	async #change(action: string, options: Abortable): Promise<FileEntry> {
		const connection = await this.#link.get(options.signal);
		return fileEntry(await connection.json("POST", `/v1/files/${action}`, undefined, options.signal));
	}
}

function octal(mode: number): string {
	return expectWhole("mode", mode, 0, 0o7777).toString(8);
}

function readUrl(path: GuestPath, options: ReadOptions): string {
	let url = `/v1/files/read?path=${encodePath(path)}`;
	if (options.offset !== undefined) url += `&offset=${expectWhole("offset", options.offset, 0, Number.MAX_SAFE_INTEGER)}`;
	if (options.length !== undefined) url += `&length=${expectWhole("length", options.length, 0, Number.MAX_SAFE_INTEGER)}`;
	return url;
}
