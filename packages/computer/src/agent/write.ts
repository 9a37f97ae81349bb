import type { ClientHttp2Stream } from "node:http2";
import { refuse } from "../expect.js";

/** What can be sent: text (UTF-8), bytes, or a stream of both such as a Readable. */
export type Source = string | Uint8Array | AsyncIterable<string | Uint8Array>;

export function expectSource(what: string, value: unknown): void {
	if (typeof value === "string" || value instanceof Uint8Array) return;
	if (typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === "function") return;
	refuse(what, "text, bytes or a stream of them", value);
}

export function expectPiece(what: string, value: unknown): void {
	if (typeof value !== "string" && !ArrayBuffer.isView(value)) refuse(what, "text or bytes", value);
}

/**
 * Writes a source as a request's body, no faster than the guest reads, and ends it. Resolves when all is handed over
 * or the stream is closed (the answer then says why); rejects with the source's own error, the stream still open.
 */
export async function writeBody(stream: ClientHttp2Stream, source: Source): Promise<void> {
	if (typeof source === "string" || source instanceof Uint8Array) {
		stream.end(source);
		return;
	}
	const iterator = source[Symbol.asyncIterator]();
	// Not awaited: a generator that hangs in next() would hang here too.
	const letGo = () => void iterator.return?.()?.catch(() => {});
	// Not a race with one promise that lasts as long as the request: that would keep every piece until then.
	let wake: (closed: "closed") => void = () => {};
	const closed = () => wake("closed");
	stream.once("close", closed);
	try {
		while (!stream.destroyed && !stream.closed) {
			// A source that never yields must not hold an answer that came early.
			const step = await new Promise<"closed" | IteratorResult<string | Uint8Array>>((resolve, reject) => {
				wake = resolve;
				iterator.next().then(resolve, reject);
			});
			if (step === "closed") break;
			if (step.done) {
				stream.end();
				return;
			}
			if (stream.destroyed || stream.closed) break;
			try {
				expectPiece("what a stream yields", step.value);
			} catch (error) {
				letGo();
				throw error;
			}
			if (!stream.write(step.value) && (await drained(stream)) === "closed") break;
		}
		letGo();
	} finally {
		stream.off("close", closed);
	}
}

/** Until more can be written. */
export function drained(stream: ClientHttp2Stream): Promise<"drained" | "closed"> {
	return new Promise((resolve) => {
		const done = () => {
			stream.off("drain", done);
			stream.off("close", done);
			resolve(stream.destroyed || stream.closed ? "closed" : "drained");
		};
		stream.once("drain", done);
		stream.once("close", done);
		if (stream.destroyed) done();
	});
}
