/**
 * The beginning and the end of a stream, within maxBytes: ceil(max/2) of head, floor(max/2) of tail.
 * One buffer that grows to the bound and no further: the head lies at its front, the tail is a ring behind it.
 */
export class HeadTail {
	readonly #headBytes: number;
	readonly #maxBytes: number;
	#buffer: Buffer = Buffer.alloc(0);
	#total = 0;

	/** @param maxBytes 2 or more */
	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
		this.#headBytes = Math.ceil(maxBytes / 2);
	}

	/** How many bytes came and are not kept. */
	get omittedBytes(): number {
		return Math.max(0, this.#total - this.#maxBytes);
	}

	push(chunk: Uint8Array): void {
		this.#grow(this.#total + chunk.length);
		let rest = chunk;
		if (this.#total < this.#headBytes) {
			const part = rest.subarray(0, this.#headBytes - this.#total);
			this.#buffer.set(part, this.#total);
			this.#total += part.length;
			rest = rest.subarray(part.length);
		}
		const ring = this.#maxBytes - this.#headBytes;
		// Of a chunk larger than the ring only its end would stay: skip the rest.
		if (rest.length > ring) {
			this.#total += rest.length - ring;
			rest = rest.subarray(rest.length - ring);
		}
		while (rest.length > 0) {
			const at = (this.#total - this.#headBytes) % ring;
			const part = rest.subarray(0, ring - at);
			this.#buffer.set(part, this.#headBytes + at);
			this.#total += part.length;
			rest = rest.subarray(part.length);
		}
	}

	/** What is kept. A view until the next push when nothing is omitted, else a copy. */
	bytes(): Buffer {
		if (this.omittedBytes === 0) return this.#buffer.subarray(0, this.#total);
		const ring = this.#maxBytes - this.#headBytes;
		const seam = this.#headBytes + ((this.#total - this.#headBytes) % ring);
		const buffer = this.#buffer;
		return Buffer.concat([buffer.subarray(0, this.#headBytes), buffer.subarray(seam), buffer.subarray(this.#headBytes, seam)]);
	}

	#grow(needed: number): void {
		const target = Math.min(needed, this.#maxBytes);
		if (target <= this.#buffer.length) return;
		// Doubling keeps the copying linear; the first piece is taken at its own size, and is mostly the only one.
		const grown = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(target, this.#buffer.length * 2)));
		grown.set(this.#buffer.subarray(0, Math.min(this.#total, this.#buffer.length)));
		this.#buffer = grown;
	}
}
