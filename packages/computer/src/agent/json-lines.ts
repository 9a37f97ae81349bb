import type { Readable } from "node:stream";
import { Bytes } from "./answer.js";
import { broken, type Json, parseJson } from "./shapes.js";

const NEWLINE = 0x0a;

export interface JsonLinesBounds {
	readonly maxLineBytes: number;
	readonly maxBytes: number;
}

/** Hands on the objects of a guest's answer, one on each line, as they come. Whatever goes wrong ends the stream. */
export async function readJsonLines(stream: Readable, bounds: JsonLinesBounds, take: (json: Json) => void): Promise<void> {
	let line = new Bytes(bounds.maxLineBytes);
	let size = 0;
	const carry = (piece: Buffer) => {
		if (!line.push(piece)) throw broken(`expected a line of at most ${bounds.maxLineBytes} bytes from the guest, got more`);
	};
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > bounds.maxBytes) throw broken(`expected an answer of at most ${bounds.maxBytes} bytes from the guest, got more`);
		let at = 0;
		for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
			carry(chunk.subarray(at, end));
			at = end + 1;
			const whole = line.all();
			line = new Bytes(bounds.maxLineBytes);
			take(parseJson(whole, "a line of the guest's answer"));
		}
		if (at < chunk.length) carry(chunk.subarray(at));
	}
	if (line.size > 0) throw broken("expected a whole last line from the guest");
}
