/** From the guest onto this host. What comes is hostile: nothing lands outside of the target, and nothing is shown before all of it is there. */
import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { ComputerError } from "../errors/index.js";
import { expectWhole, refuse } from "../expect.js";
import type { AgentLink } from "./link.js";
import { encodePath, type GuestPath } from "./paths.js";
import { plainStream } from "./plain-stream.js";
import { expectHostPath, hostError, Tally, type TransferOptions, type TransferResult } from "./transfer.js";
import { Folder } from "./transfer-folder.js";
import { Receiver } from "./transfer-receiver.js";
import { TarReader } from "./transfer-tar.js";

/**
 * A file or folder becomes `hostPath` itself, parents made. A folder that is there is added to and replaced file by file, once all has come; its
 * symlinks are replaced, never followed; a device, a FIFO or a socket in the way refuses the whole. Symlinks that stay inside of the folder are kept,
 * others skipped, and so is what this host can not have under its name. Setuid and setgid are dropped.
 */
export async function download(link: AgentLink, guestPath: GuestPath, hostPath: string, options: TransferOptions): Promise<TransferResult> {
	const to = expectHostPath(hostPath);
	if (basename(to) === "") refuse("hostPath", "a path that ends in a name", hostPath);
	const from = encodePath(guestPath, "guestPath");
	if (options.maxBytes !== undefined) expectWhole("maxBytes", options.maxBytes, 0, Number.MAX_SAFE_INTEGER);
	if (options.maxEntries !== undefined) expectWhole("maxEntries", options.maxEntries, 0, Number.MAX_SAFE_INTEGER);
	const connection = await link.get(options.signal);
	const { stream, headers } = await connection.open("GET", `/v1/archive/get?path=${from}&records=1`, options.signal);
	const alone = headers["lms-type"] === "file";
	const source = plainStream(stream, { signal: options.signal, writable: false });
	const tally = new Tally(options);
	const name = Buffer.from(basename(to));
	const staged = Buffer.from(`.lms-${randomBytes(8).toString("hex")}`);
	let parent: Folder | undefined;
	let receiver: Receiver | undefined;
	try {
		mkdirSync(dirname(to), { recursive: true });
		parent = Folder.open(dirname(to));
		receiver = new Receiver(parent.make(staged, 0o700), tally, alone);
		const reader = new TarReader(receiver);
		for await (const chunk of source) reader.push(chunk as Buffer);
		reader.finish();
		if (reader.skipped > 0) tally.skip(`${reader.skipped} in the machine that are neither file, folder nor symlink, or could not be read`);
		if (alone) showFile(receiver.only(), parent, name);
		else showFolder(receiver.complete(), parent, staged, name);
	} catch (error) {
		throw hostError(error, to);
	} finally {
		source.destroy();
		receiver?.close();
		if (parent !== undefined) rmSync(parent.at(staged), { recursive: true, force: true });
		parent?.close();
	}
	return tally.done();
}

function showFile(from: { readonly folder: Folder; readonly name: Buffer }, parent: Folder, name: Buffer): void {
	const is = parent.look(name);
	// One that is named itself is looked through: /dev/stdout is a symlink.
	const leadsTo = is?.isSymbolicLink() ? statSync(parent.at(name), { throwIfNoEntry: false }) : is;
	if (is?.isDirectory() || isSpecial(leadsTo)) throw occupied(name);
	renameSync(from.folder.at(from.name), parent.at(name));
}

function showFolder(from: Folder, parent: Folder, staged: Buffer, name: Buffer): void {
	const is = parent.look(name);
	if (is === undefined) {
		renameSync(parent.at(staged), parent.at(name));
		return;
	}
	if (!is.isDirectory()) throw occupied(name);
	const to = parent.enter(name);
	try {
		check(from, to);
		merge(from, to);
	} finally {
		to.close();
	}
}

/** Finds what cannot be merged before anything is changed: a folder never replaces something else, nor the other way round. */
function check(from: Folder, to: Folder): void {
	for (const { name } of from.list()) {
		const is = to.look(name);
		const folder = from.look(name)?.isDirectory() === true;
		if (is === undefined) continue;
		if (folder !== is.isDirectory() || isSpecial(is)) throw occupied(name);
		if (folder) both(from, to, name, check);
	}
}

function merge(from: Folder, to: Folder): void {
	for (const { name } of from.list()) {
		if (to.look(name)?.isDirectory() && from.look(name)?.isDirectory()) both(from, to, name, merge);
		else renameSync(from.at(name), to.at(name));
	}
}

function both(from: Folder, to: Folder, name: Buffer, go: (from: Folder, to: Folder) => void): void {
	const inner = from.enter(name);
	try {
		const there = to.enter(name);
		try {
			go(inner, there);
		} finally {
			there.close();
		}
	} finally {
		inner.close();
	}
}

/** A device, a FIFO or a socket, which no program means to replace: as root `cp` to /dev/null would take it from the whole system. */
function isSpecial(is: Stats | undefined): boolean {
	return is !== undefined && !is.isFile() && !is.isDirectory() && !is.isSymbolicLink();
}

function occupied(name: Buffer): ComputerError {
	return new ComputerError("already_exists", `something of another kind is there on this host: ${JSON.stringify(name.toString("utf8"))}`, {
		hint: "Choose another hostPath, or remove what is there.",
	});
}
