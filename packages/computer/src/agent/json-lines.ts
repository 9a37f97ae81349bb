import type { Readable } from "node:stream";
import { broken, type Json, parseJson } from "./shapes.js";

const NEWLINE = 0x0a;

export interface JsonLinesBounds {
	readonly maxLineBytes: number;
	readonly maxBytes: number;
}

/** Hands on the objects of a guest's answer, one on each line, as they come. Whatever goes wrong ends the stream. */
export async function readJsonLines(stream: Readable, bounds: JsonLinesBounds, take: (json: Json) => void): Promise<void> {
	const pieces: Buffer[] = [];
	let carried = 0;
	let size = 0;
	const carry = (piece: Buffer) => {
		carried += piece.length;
		if (carried > bounds.maxLineBytes) throw broken(`expected a line of at most ${bounds.maxLineBytes} bytes from the guest, got more`);
		pieces.push(piece);
	};
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > bounds.maxBytes) throw broken(`expected an answer of at most ${bounds.maxBytes} bytes from the guest, got more`);
		let at = 0;
		for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
			carry(chunk.subarray(at, end));
			at = end + 1;
			const line = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
			pieces.length = 0;
			carried = 0;
			take(parseJson(line, "a line of the guest's answer"));
		}
		if (at < chunk.length) carry(chunk.subarray(at));
	}
	if (carried > 0) throw broken("expected a whole last line from the guest");
}
