/** From this host into the guest: one file, or a whole folder as one stream. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { basename, dirname } from "node:path";
import { ComputerError } from "../errors/index.js";
import { expectWhole } from "../expect.js";
import { canceled } from "./abort.js";
import type { AgentLink } from "./link.js";
import { encodePath, type GuestPath } from "./paths.js";
import { expectHostPath, hostError, MAX_BYTES, MAX_ENTRIES, Tally, type TransferResult, type UploadOptions } from "./transfer.js";
import { Folder, NO_FOLLOW } from "./transfer-folder.js";
import { TAR_END, tarHeader, tarPadding } from "./transfer-tar.js";

/** What is sent in one piece. */
const CHUNK_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);
/** Of a file that does not tell how many it has. */
const MAX_UNTOLD_BYTES = 16 * 1024 * 1024;

/**
 * A folder goes to `guestPath` itself: made with its parents, or what is there is added to and replaced file by file, all or nothing as long as
 * the upload lasts. Symlinks stay what they are; one as `hostPath` is refused. Owners become the guest's user, setuid and setgid are dropped.
 */
export async function upload(link: AgentLink, hostPath: string, guestPath: GuestPath, options: UploadOptions): Promise<TransferResult> {
	const from = expectHostPath(hostPath);
	const to = encodePath(guestPath, "guestPath");
	const maxBytes = expectWhole("maxBytes", options.maxBytes ?? MAX_BYTES, 0, Number.MAX_SAFE_INTEGER);
	const maxEntries = expectWhole("maxEntries", options.maxEntries ?? MAX_ENTRIES, 0, 2 ** 31 - 1);
	const connection = await link.get(options.signal);
	const tally = new Tally(options);
	let parent: Folder | undefined;
	try {
		parent = Folder.open(dirname(from));
		const name = Buffer.from(basename(from));
		const is = basename(from) === "" ? undefined : parent.look(name);
		if (is === undefined && basename(from) !== "") throw new ComputerError("not_found", `there is no ${JSON.stringify(from)} on this host`);
		if (is?.isFile()) {
			const source = inChunks(fileContent(parent, name, from, tally), options.signal);
			const mode = (is.mode & 0o777).toString(8);
			await connection.send("PUT", `/v1/files/write?path=${to}&mode=${mode}`, source, options.signal);
		} else if (is === undefined || is.isDirectory()) {
			const folder = is === undefined ? Folder.open(from) : parent.enter(name);
			try {
				const source = inChunks(archive(folder, tally, options), options.signal);
				await connection.send("POST", `/v1/archive/put?path=${to}&maxBytes=${maxBytes}&maxEntries=${maxEntries}`, source, options.signal);
			} finally {
				folder.close();
			}
		} else {
			const hint = is.isSymbolicLink() ? "Pass what the symlink leads to." : "";
			throw new ComputerError("not_a_file", `expected a file or a folder on this host: ${JSON.stringify(from)}`, { hint });
		}
	} catch (error) {
		throw hostError(error, from);
	} finally {
		parent?.close();
	}
	return tally.done();
}

function* fileContent(folder: Folder, name: Buffer, path: string, tally: Tally): Generator<Buffer> {
	const descriptor = openSync(folder.at(name), constants.O_RDONLY | NO_FOLLOW);
	try {
		const { size } = fstatSync(descriptor);
		if (size > 0) {
			tally.entry(size);
			yield* content(descriptor, size, path);
			return;
		}
		// The kernel's own files (/proc) tell no size and are made as they are read.
		const all = Buffer.concat([...pieces(descriptor, path)]);
		tally.entry(all.length);
		yield all;
	} finally {
		closeSync(descriptor);
	}
}

function* pieces(descriptor: number, path: string): Generator<Buffer> {
	for (let at = 0; ; ) {
		const piece = Buffer.allocUnsafe(CHUNK_BYTES);
		const read = readSync(descriptor, piece, 0, piece.length, at);
		if (read === 0) return;
		at += read;
		if (at > MAX_UNTOLD_BYTES) {
			throw new ComputerError("too_large", `${JSON.stringify(path)} on this host tells no size and has over ${MAX_UNTOLD_BYTES} bytes`);
		}
		yield piece.subarray(0, read);
	}
}

/** As many bytes as were promised: a file that grows is cut. */
function* content(descriptor: number, size: number, path: string): Generator<Buffer> {
	for (let at = 0; at < size; ) {
		const piece = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at));
		const read = readSync(descriptor, piece, 0, piece.length, at);
		if (read === 0) throw new ComputerError("busy", `${JSON.stringify(path)} on this host became shorter while it was read`);
		yield piece.subarray(0, read);
		at += read;
	}
}

function* archive(folder: Folder, tally: Tally, options: UploadOptions): Generator<Buffer> {
	yield* entries(folder, NOTHING, tally, options);
	yield TAR_END;
}

function* entries(folder: Folder, prefix: Buffer, tally: Tally, options: UploadOptions): Generator<Buffer> {
	for (const found of folder.list().sort((a, b) => Buffer.compare(a.name, b.name))) {
		const name = Buffer.concat([prefix, found.name]);
		const path = name.toString("utf8");
		if (options.ignore?.(path, found.isDirectory())) continue;
		const is = folder.look(found.name);
		if (is === undefined) continue; // gone since
		const common = { name, target: NOTHING, mode: is.mode & 0o777, mtime: is.mtimeMs / 1000, size: 0 };
		try {
			if (is.isDirectory()) {
				const inner = folder.enter(found.name);
				try {
					tally.entry(0);
					const inside = Buffer.concat([name, Buffer.from("/")]);
					yield tarHeader({ ...common, type: "directory", name: inside });
					yield* entries(inner, inside, tally, options);
				} finally {
					inner.close();
				}
			} else if (is.isSymbolicLink()) {
				const target = readlinkSync(folder.at(found.name), { encoding: "buffer" });
				tally.entry(0);
				yield tarHeader({ ...common, type: "symlink", target });
			} else if (is.isFile()) {
				const descriptor = openSync(folder.at(found.name), constants.O_RDONLY | NO_FOLLOW);
				try {
					const now = fstatSync(descriptor);
					const size = now.isFile() ? now.size : 0;
					tally.entry(size);
					yield tarHeader({ ...common, type: "file", size });
					yield* content(descriptor, size, path);
					yield tarPadding(size);
				} finally {
					closeSync(descriptor);
				}
			} else tally.skip(path);
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			// Swapped for a symlink since, or not this user's to read.
			if (code !== "EACCES" && code !== "ELOOP" && code !== "ENOENT") throw hostError(error, path);
			tally.skip(path);
		}
	}
}

/** Ten thousand small files are thirty thousand small pieces: joined, and a breath between two. */
async function* inChunks(pieces: Generator<Buffer>, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
	let held: Buffer[] = [];
	let bytes = 0;
	for (const piece of pieces) {
		held.push(piece);
		bytes += piece.length;
		if (bytes < CHUNK_BYTES) continue;
		if (signal?.aborted) throw canceled(signal);
		yield Buffer.concat(held, bytes);
		held = [];
		bytes = 0;
	}
	yield Buffer.concat(held, bytes);
}
