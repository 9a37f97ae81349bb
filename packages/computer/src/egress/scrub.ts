/** Takes secrets out of what a host answers, should it send them back: each byte becomes a `*`, so that lengths stay right. */
import { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const STAR = 0x2a;

export class Scrub extends Transform {
	readonly #secrets: readonly Buffer[];
	/** The end of what came, where it may be the beginning of a secret. */
	#held: Buffer = Buffer.alloc(0);

	constructor(secrets: readonly string[]) {
		super();
		this.#secrets = secrets.map((secret) => Buffer.from(secret));
	}

	override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
		// A copy: what comes may be somebody else's memory.
		const bytes = Buffer.concat([this.#held, chunk]);
		for (const secret of this.#secrets) {
			for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, at)) bytes.fill(STAR, at, at + secret.length);
		}
		const held = Math.max(0, ...this.#secrets.map((secret) => overlap(bytes, secret)));
		this.#held = bytes.subarray(bytes.length - held);
		if (held < bytes.length) this.push(bytes.subarray(0, bytes.length - held));
		done();
	}

	override _flush(done: () => void): void {
		if (this.#held.length > 0) this.push(this.#held);
		done();
	}
}

const UNPACK: Readonly<Record<string, () => Transform>> = {
	gzip: createGunzip,
	"x-gzip": createGunzip,
	deflate: createInflate,
	br: createBrotliDecompress,
};

/** What a body goes through to its reader: one that is packed, which nobody asked for, is unpacked. Undefined: it can not be looked into. */
export function scrubbing(secrets: readonly string[], encoding = "identity"): readonly Transform[] | undefined {
	if (secrets.length === 0) return [];
	const packed = encoding
		.toLowerCase()
		.split(/[\s,]+/)
		.filter((word) => word !== "" && word !== "identity");
	const unpack = packed.map((word) => (Object.hasOwn(UNPACK, word) ? UNPACK[word] : undefined));
	// More than one layer is nobody's need.
	if (unpack.length > 1 || unpack.includes(undefined)) return undefined;
	return [...unpack.map((make) => (make as () => Transform)()), new Scrub(secrets)];
}

export function scrubText(text: string, secrets: readonly string[]): string {
	return secrets.reduce((rest, secret) => rest.replaceAll(secret, "*".repeat(secret.length)), text);
}

/** How many bytes at the end are the beginning of the secret, and not yet all of it. */
function overlap(bytes: Buffer, secret: Buffer): number {
	for (let size = Math.min(secret.length - 1, bytes.length); size > 0; size--) {
		if (bytes.subarray(bytes.length - size).equals(secret.subarray(0, size))) return size;
	}
	return 0;
}
