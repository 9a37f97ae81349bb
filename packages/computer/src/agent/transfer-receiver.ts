/** Puts an archive's entries into a new folder of this host. */
import {
	chmodSync,
	closeSync,
	constants,
	fchmodSync,
	ftruncateSync,
	futimesSync,
	openSync,
	symlinkSync,
	utimesSync,
	writeSync,
} from "node:fs";
import { broken } from "./shapes.js";
import type { Tally } from "./transfer.js";
import { type Folder, NO_FOLLOW } from "./transfer-folder.js";
import { fitsHost, nameParts, staysInside } from "./transfer-name.js";
import type { TarHeader, TarSink } from "./transfer-tar.js";

/** Of all folders and symlinks, which are remembered. */
const MAX_NAME_BYTES = 64 * 1024 * 1024;

/** The name of one file that comes alone: what it was called is not asked for. */
const ALONE = Buffer.from("file");

/** What a new file's mode loses. */
const UMASK = process.umask();

interface Kept {
	readonly parts: readonly Buffer[];
	readonly header: TarHeader;
}

export class Receiver implements TarSink {
	readonly #root: Folder;
	readonly #tally: Tally;
	/** The folder that the last entry was in, and those above it, the root not among them. */
	#path: { readonly name: Buffer; readonly folder: Folder }[] = [];
	readonly #folders: Kept[] = [];
	/** Made last: until then there is no symlink that anything could be written through, whatever a file system takes for the same name. */
	readonly #symlinks: Kept[] = [];
	#nameBytes = 0;
	#file: { readonly descriptor: number; readonly header: TarHeader; readonly parts: readonly Part[]; part: number; at: number } | undefined;
	/** The content of something that this host can not have. */
	#leavingOut = false;
	readonly #alone: boolean;
	#only: Buffer | undefined;

	/** @param alone one file is to come, and no folder */
	constructor(root: Folder, tally: Tally, alone: boolean) {
		this.#root = root;
		this.#tally = tally;
		this.#alone = alone;
	}

	begin(header: TarHeader): void {
		this.#leavingOut = false;
		const sent = nameParts(header.name);
		if (this.#only !== undefined && this.#alone) throw broken("expected one file from the machine");
		const parts = this.#alone && sent.length === 1 ? [ALONE] : sent;
		const whole = header.mapSize === undefined ? header.size : sizeOf(header.mapSize);
		this.#tally.entry(whole);
		const name = parts.at(-1);
		if (name === undefined) {
			if (header.type !== "directory") throw broken("expected the folder itself to be a folder");
			return;
		}
		if (!fitsHost(parts)) this.#leaveOut(header);
		else if (header.type !== "file") this.#keep({ parts, header });
		else this.#begin(header, parts, name, whole);
	}

	#begin(header: TarHeader, parts: readonly Buffer[], name: Buffer, whole: number): void {
		this.#only = name;
		const content = partsOf(header, whole);
		const folder = this.#enter(parts.slice(0, -1));
		const descriptor = folder && create(folder, name, header.mode & 0o777);
		if (descriptor === undefined) {
			this.#leaveOut(header);
			return;
		}
		this.#file = { descriptor, header, parts: content, part: 0, at: 0 };
		if (header.mapSize !== undefined) ftruncateSync(descriptor, whole);
	}

	data(bytes: Buffer): void {
		if (this.#leavingOut) return;
		const file = this.#file;
		if (file === undefined) throw broken("expected no content but of files in the archive");
		for (let done = 0; done < bytes.length; ) {
			const part = file.parts[file.part];
			if (part === undefined) throw broken("expected as much content as the map of a sparse file says");
			const length = Math.min(bytes.length - done, part.length - file.at);
			for (let at = 0; at < length; ) at += writeSync(file.descriptor, bytes, done + at, length - at, part.offset + file.at + at);
			done += length;
			file.at += length;
			if (file.at === part.length) {
				file.part++;
				file.at = 0;
			}
		}
	}

	end(): void {
		const file = this.#file;
		if (file === undefined) return;
		const mode = file.header.mode & 0o777;
		if ((mode & UMASK) !== 0) fchmodSync(file.descriptor, mode);
		futimesSync(file.descriptor, file.header.mtime, file.header.mtime);
		this.#file = undefined;
		closeSync(file.descriptor);
	}

	/** What an archive of one file brought. */
	only(): { readonly folder: Folder; readonly name: Buffer } {
		if (this.#only === undefined || this.#tally.entries !== 1 || this.#path.length > 0) throw broken("expected one file from the machine");
		return { folder: this.#root, name: this.#only };
	}

	/** Symlinks, then modes and times of folders, inner ones first: what is put into one changes its time. */
	complete(): Folder {
		for (const { parts, header } of this.#symlinks) {
			const name = parts.at(-1) as Buffer;
			const folder = this.#enter(parts.slice(0, -1));
			const fits = folder !== undefined && staysInside(header.target, parts.length - 1) && folder.look(name) === undefined;
			if (!fits || !link(folder, name, header.target)) this.#leaveOut(header);
		}
		for (const { parts, header } of this.#folders.reverse()) {
			const name = parts.at(-1) as Buffer;
			const path = this.#enter(parts.slice(0, -1))?.at(name);
			if (path === undefined) continue;
			// Its owner can always remove it again.
			chmodSync(path, (header.mode & 0o777) | 0o700);
			utimesSync(path, header.mtime, header.mtime);
		}
		chmodSync(this.#root.at(Buffer.from(".")), 0o755);
		return this.#root;
	}

	close(): void {
		if (this.#file !== undefined) closeSync(this.#file.descriptor);
		for (const { folder } of this.#path) folder.close();
		this.#root.close();
	}

	#keep(one: Kept): void {
		this.#nameBytes += one.header.name.length + one.header.target.length + 200;
		if (this.#nameBytes > MAX_NAME_BYTES) throw broken("expected fewer folders and symlinks in the archive");
		if (one.header.type === "symlink") this.#symlinks.push(one);
		else if (this.#enter(one.parts) === undefined) this.#leaveOut(one.header);
		else this.#folders.push(one);
	}

	#leaveOut(header: TarHeader): void {
		this.#leavingOut = true;
		this.#tally.skip(header.name.toString("utf8"));
	}

	/** The folder of these names, entered one by one and made where it is missing. Undefined where a file has the name of one, as this file system sees it. */
	#enter(parts: readonly Buffer[]): Folder | undefined {
		let same = 0;
		while (same < parts.length && same < this.#path.length && this.#path[same]?.name.equals(parts[same] as Buffer)) same++;
		for (const { folder } of this.#path.splice(same)) folder.close();
		let at = this.#path.at(-1)?.folder ?? this.#root;
		for (const name of parts.slice(same)) {
			const is = at.look(name);
			if (is?.isDirectory() === false && isAlias(at, name)) return undefined;
			at = is === undefined ? at.make(name, 0o700) : at.enter(name);
			this.#path.push({ name, folder: at });
		}
		return at;
	}
}

/** A descriptor of a new file. Undefined where another one has its name, as this file system sees it. */
function create(folder: Folder, name: Buffer, mode: number): number | undefined {
	try {
		// Nobody else can enter the folder yet.
		return openSync(folder.at(name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW, mode);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !isAlias(folder, name)) throw error;
		return undefined;
	}
}

/** False where this user or the file system can not have one: on Windows they need a privilege. */
function link(folder: Folder, name: Buffer, target: Buffer): boolean {
	try {
		symlinkSync(target, folder.at(name));
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
		return false;
	}
}

/** What is there came under another name, which this file system takes for the same: in upper and lower case, say. What came twice is a guest's trick. */
function isAlias(folder: Folder, name: Buffer): boolean {
	return !folder.list().some((entry) => entry.name.equals(name));
}

interface Part {
	readonly offset: number;
	readonly length: number;
}

function sizeOf(text: string): number {
	const size = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
	if (!Number.isSafeInteger(size)) throw broken("expected the size of a sparse file");
	return size;
}

/** Where the content of a file belongs: rising, inside of it, and as much as there is. */
function partsOf(header: TarHeader, whole: number): readonly Part[] {
	if (header.mapSize === undefined) return [{ offset: 0, length: header.size }];
	const numbers = header.map === undefined || header.map === "" ? [] : header.map.split(",").map(sizeOf);
	const parts: Part[] = [];
	let [end, bytes] = [0, 0];
	for (let i = 0; i < numbers.length; i += 2) {
		const [offset, length] = [numbers[i] as number, numbers[i + 1] ?? 0];
		if (offset < end || length < 1 || length > whole - offset) throw broken("expected a map of a sparse file that rises");
		end = offset + length;
		bytes += length;
		parts.push({ offset, length });
	}
	if (bytes !== header.size) throw broken("expected as much content as the map of a sparse file says");
	return parts;
}
