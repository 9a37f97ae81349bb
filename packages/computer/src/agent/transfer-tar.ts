/** The part of tar (pax) that goes between us and the agent. What is read is hostile: anything else is refused, and nothing is held but one header. */
import { ComputerError } from "../errors/index.js";
import { broken } from "./shapes.js";

export interface TarHeader {
	readonly type: "file" | "directory" | "symlink";
	/** As it was sent, unchecked. */
	readonly name: Buffer;
	/** Of a symlink. */
	readonly target: Buffer;
	readonly mode: number;
	/** Unix time in s. */
	readonly mtime: number;
	/** Of the content as sent. */
	readonly size: number;
	/** Of our own: where a sparse file's content belongs, and its whole size. */
	readonly map?: string;
	readonly mapSize?: string;
}

const BLOCK = 512;
const MAX_PAX_BYTES = 64 * 1024;
const TYPES = { "0": "file", "\0": "file", "5": "directory", "2": "symlink" } as const;
const FLAGS = { file: "0", directory: "5", symlink: "2" } as const;
/** What 11 octal digits say. */
const MAX_OCTAL = 8 ** 11 - 1;
const NAME_BYTES = 100;

export interface TarSink {
	begin(header: TarHeader): void;
	data(bytes: Buffer): void;
	end(): void;
}

export class TarReader {
	/** How many entries the sender says it left out. */
	skipped = 0;
	readonly #sink: TarSink;
	readonly #block = Buffer.alloc(BLOCK);
	#fill = 0;
	/** Of the current content, and of the padding after it. */
	#left = 0;
	#padding = 0;
	#pax: { readonly bytes: Buffer; at: number; readonly global: boolean } | undefined;
	#records = new Map<string, Buffer>();
	#inFile = false;
	#over = false;

	constructor(sink: TarSink) {
		this.#sink = sink;
	}

	push(chunk: Buffer): void {
		let at = 0;
		while (at < chunk.length) {
			if (this.#over) return; // padding to the end
			if (this.#left > 0) {
				const part = chunk.subarray(at, at + this.#left);
				at += part.length;
				this.#left -= part.length;
				if (this.#pax !== undefined) this.#pax.at += part.copy(this.#pax.bytes, this.#pax.at);
				else this.#sink.data(part);
				if (this.#left === 0) this.#close();
			} else if (this.#padding > 0) {
				const skipped = Math.min(this.#padding, chunk.length - at);
				at += skipped;
				this.#padding -= skipped;
			} else {
				const copied = chunk.copy(this.#block, this.#fill, at, at + BLOCK - this.#fill);
				at += copied;
				this.#fill += copied;
				if (this.#fill < BLOCK) return;
				this.#fill = 0;
				this.#header();
			}
		}
	}

	/** The stream ended. Throws unless the archive had its end too. */
	finish(): void {
		if (!this.#over) throw new ComputerError("connection_lost", "the archive from the machine broke off");
	}

	#header(): void {
		const block = this.#block;
		if (block.every((byte) => byte === 0)) {
			this.#over = true;
			return;
		}
		if (number(block, 148, 8) !== checksum(block)) throw broken("expected a tar header from the guest, its sum is wrong");
		const flag = String.fromCharCode(block[156] as number);
		const size = this.#records.has("size") ? Number(this.#records.get("size")) : number(block, 124, 12);
		if (!Number.isSafeInteger(size) || size < 0) throw broken("expected a size in a tar header");
		this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
		this.#left = size;
		if (flag === "x" || flag === "g") {
			if (size > MAX_PAX_BYTES) throw broken(`expected a pax header of at most ${MAX_PAX_BYTES} bytes`);
			this.#pax = { bytes: Buffer.alloc(size), at: 0, global: flag === "g" };
			if (size === 0) this.#close();
			return;
		}
		const type = TYPES[flag as keyof typeof TYPES];
		if (type === undefined)
			throw broken(`expected files, folders and symlinks from the guest, got a tar entry of type ${JSON.stringify(flag)}`);
		if (type !== "file" && size > 0) throw broken("expected no content but of files in the archive");
		const [map, mapSize] = [this.#records.get("LMS.map"), this.#records.get("LMS.size")];
		const header: TarHeader = {
			type,
			name: this.#records.get("path") ?? ustarName(block),
			target: this.#records.get("linkpath") ?? field(block, 157, NAME_BYTES),
			mode: number(block, 100, 8) & 0o7777,
			mtime: number(block, 136, 12),
			size,
			...(map !== undefined && { map: map.toString("latin1") }),
			...(mapSize !== undefined && { mapSize: mapSize.toString("latin1") }),
		};
		this.#records = new Map();
		this.#inFile = true;
		this.#sink.begin(header);
		if (size === 0) this.#close();
	}

	#close(): void {
		if (this.#pax !== undefined) {
			const found = records(this.#pax.bytes);
			if (!this.#pax.global) this.#records = found;
			else this.skipped = Math.trunc(Number(found.get("LMS.skipped") ?? 0)) || 0;
			this.#pax = undefined;
		} else if (this.#inFile) {
			this.#inFile = false;
			this.#sink.end();
		}
	}
}

/** `LENGTH KEY=VALUE\n`, the length counting itself. */
function records(bytes: Buffer): Map<string, Buffer> {
	const found = new Map<string, Buffer>();
	for (let at = 0; at < bytes.length; ) {
		const space = bytes.indexOf(0x20, at);
		const length = space - at < 1 || space - at > 6 ? Number.NaN : Number(bytes.toString("latin1", at, space));
		const equals = bytes.indexOf(0x3d, space);
		const end = at + length;
		if (!(length > 0 && end <= bytes.length && equals > space && equals < end && bytes[end - 1] === 0x0a)) {
			throw broken("expected records in a pax header");
		}
		found.set(bytes.toString("latin1", space + 1, equals), bytes.subarray(equals + 1, end - 1));
		at = end;
	}
	return found;
}

function ustarName(block: Buffer): Buffer {
	const prefix = block.toString("latin1", 257, 262) === "ustar" ? field(block, 345, 155) : Buffer.alloc(0);
	const name = field(block, 0, NAME_BYTES);
	return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

/** A copy: the block is used again. */
function field(block: Buffer, start: number, length: number): Buffer {
	const end = block.subarray(start, start + length).indexOf(0);
	return Buffer.from(block.subarray(start, start + (end < 0 ? length : end)));
}

/** Octal, or from the first bit on 8 bytes big-endian. Not a number for anything else. */
function number(block: Buffer, start: number, length: number): number {
	if ((block[start] as number) & 0x80) {
		if (length !== 12) return Number.NaN;
		const value = block.readBigUInt64BE(start + 4);
		return value > Number.MAX_SAFE_INTEGER ? Number.NaN : Number(value);
	}
	const digits = /^ *([0-7]*)[ \0]*$/.exec(block.toString("latin1", start, start + length));
	return digits === null ? Number.NaN : Number.parseInt(digits[1] === "" ? "0" : (digits[1] as string), 8);
}

function checksum(block: Buffer): number {
	let sum = 8 * 0x20;
	for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += block[at] as number;
	return sum;
}

/** One entry's header, with a pax header before it where tar's fields are too short. The content is to follow, and its padding. */
export function tarHeader(header: Omit<TarHeader, "map" | "mapSize">): Buffer {
	const long: [string, Buffer][] = [];
	if (header.name.length > NAME_BYTES) long.push(["path", header.name]);
	if (header.target.length > NAME_BYTES) long.push(["linkpath", header.target]);
	if (header.size > MAX_OCTAL) long.push(["size", Buffer.from(String(header.size))]);
	const block = ustar(header, FLAGS[header.type]);
	if (long.length === 0) return block;
	const pax = Buffer.concat(long.map(([key, value]) => record(key, value)));
	const name = Buffer.from("pax");
	return Buffer.concat([ustar({ ...header, name, target: Buffer.alloc(0), size: pax.length }, "x"), pax, tarPadding(pax.length), block]);
}

const ZEROS = Buffer.alloc(2 * BLOCK);

export function tarPadding(size: number): Buffer {
	return ZEROS.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

export const TAR_END = ZEROS;

function record(key: string, value: Buffer): Buffer {
	const rest = ` ${key}=`.length + value.length + 1;
	let length = rest + String(rest).length;
	length = rest + String(length).length;
	return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from("\n")]);
}

function ustar(header: Omit<TarHeader, "map" | "mapSize" | "type">, flag: string): Buffer {
	const block = Buffer.alloc(BLOCK);
	const octal = (value: number, start: number, length: number) =>
		block.write(
			`${Math.min(Math.max(0, Math.floor(value)), 8 ** (length - 1) - 1)
				.toString(8)
				.padStart(length - 1, "0")}\0`,
			start,
			"latin1",
		);
	header.name.copy(block, 0, 0, NAME_BYTES);
	octal(header.mode & 0o7777, 100, 8);
	octal(0, 108, 8);
	octal(0, 116, 8);
	octal(header.size, 124, 12);
	octal(header.mtime, 136, 12);
	block.write(flag, 156, "latin1");
	header.target.copy(block, 157, 0, NAME_BYTES);
	block.write("ustar\x0000", 257, "latin1");
	block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
	return block;
}
