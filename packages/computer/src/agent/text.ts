/** Bytes of a guest as text: UTF-8, what is not becomes U+FFFD, a character is never split. */

/** How many bytes at the end begin a character that is not complete: 0 to 3. */
function incompleteBytes(bytes: Uint8Array): number {
	const furthest = Math.min(3, bytes.length);
	for (let back = 1; back <= furthest; back++) {
		const byte = bytes[bytes.length - back] as number;
		if ((byte & 0xc0) === 0x80) continue;
		const needed = byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
		return needed > back ? back : 0;
	}
	return 0;
}

/** One piece of a command's output. */
export class OutputChunk {
	readonly stream: "stdout" | "stderr";
	/** Exactly what came. May be empty in the last one, when only the text of a cut character is left. */
	readonly bytes: Uint8Array;
	readonly #carried: Buffer;
	readonly #kept: number;

	constructor(stream: "stdout" | "stderr", bytes: Uint8Array, carried: Buffer, kept: number) {
		this.stream = stream;
		this.bytes = bytes;
		this.#carried = carried;
		this.#kept = kept;
	}

	/** Decoded on demand; a character split over two pieces is whole in the second one's text. */
	get text(): string {
		const joined =
			this.#carried.length === 0
				? Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length)
				: Buffer.concat([this.#carried, this.bytes]);
		return joined.toString("utf8", 0, joined.length - this.#kept);
	}
}

const NOTHING = Buffer.alloc(0);

/** Makes the pieces of one stream, carrying the start of a split character over to the next. */
export class ChunkMaker {
	readonly #stream: "stdout" | "stderr";
	#carried: Buffer = NOTHING;

	constructor(stream: "stdout" | "stderr") {
		this.#stream = stream;
	}

	make(bytes: Buffer): OutputChunk {
		const carried = this.#carried;
		const end = carried.length > 0 && bytes.length < 4 ? Buffer.concat([carried, bytes]) : bytes;
		const kept = incompleteBytes(end);
		this.#carried = kept === 0 ? NOTHING : Buffer.from(end.subarray(end.length - kept));
		return new OutputChunk(this.#stream, bytes, carried, kept);
	}

	/** What is left of a character that never became whole. */
	last(): OutputChunk | undefined {
		const carried = this.#carried;
		this.#carried = NOTHING;
		return carried.length === 0 ? undefined : new OutputChunk(this.#stream, NOTHING, carried, 0);
	}
}

/** Head and tail as text, with one line between them that says what is missing. */
export function cutText(bytes: Buffer, headBytes: number, notice: string): string {
	const head = bytes.subarray(0, headBytes);
	let from = headBytes;
	while (from < bytes.length && from < headBytes + 3 && ((bytes[from] as number) & 0xc0) === 0x80) from++;
	const start = head.toString("utf8", 0, head.length - incompleteBytes(head));
	return `${start}${start === "" || start.endsWith("\n") ? "" : "\n"}${notice}\n${bytes.toString("utf8", from)}`;
}
