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
import { nameParts, staysInside } from "./transfer-name.js";
import type { TarHeader, TarSink } from "./transfer-tar.js";

/** Of all folders and symlinks, which are remembered. */
const MAX_NAME_BYTES = 64 * 1024 * 1024;

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
	#only: Buffer | undefined;

	constructor(root: Folder, tally: Tally) {
		this.#root = root;
		this.#tally = tally;
	}

	begin(header: TarHeader): void {
		const parts = nameParts(header.name);
		const whole = header.mapSize === undefined ? header.size : sizeOf(header.mapSize);
		this.#tally.entry(whole);
		const name = parts.at(-1);
		if (name === undefined) {
			if (header.type !== "directory") throw broken("expected the folder itself to be a folder");
			return;
		}
		if (header.type !== "file") {
			this.#keep({ parts, header });
			return;
		}
		this.#only = name;
		const descriptor = openSync(
			this.#enter(parts.slice(0, -1)).at(name),
			constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW,
			// Nobody else can enter the folder yet.
			header.mode & 0o777,
		);
		this.#file = { descriptor, header, parts: partsOf(header, whole), part: 0, at: 0 };
		if (header.mapSize !== undefined) ftruncateSync(descriptor, whole);
	}

	data(bytes: Buffer): void {
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
			if (!staysInside(header.target, parts.length - 1) || folder.look(name) !== undefined) this.#tally.skip(header.name.toString("utf8"));
			else symlinkSync(header.target, folder.at(name));
		}
		for (const { parts, header } of this.#folders.reverse()) {
			const name = parts.at(-1) as Buffer;
			const path = this.#enter(parts.slice(0, -1)).at(name);
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
		else {
			this.#folders.push(one);
			this.#enter(one.parts);
		}
	}

	/** The folder of these names, entered one by one and made where it is missing. */
	#enter(parts: readonly Buffer[]): Folder {
		let same = 0;
		while (same < parts.length && same < this.#path.length && this.#path[same]?.name.equals(parts[same] as Buffer)) same++;
		for (const { folder } of this.#path.splice(same)) folder.close();
		let at = this.#path.at(-1)?.folder ?? this.#root;
		for (const name of parts.slice(same)) {
			at = at.look(name) === undefined ? at.make(name, 0o700) : at.enter(name);
			this.#path.push({ name, folder: at });
		}
		return at;
	}
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
