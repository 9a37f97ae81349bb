/** Head and tail of a log within a budget of bytes and tokens, whole lines as far as they fit. */
import { estimateTokens } from "./tokens.js";

export interface Budgets {
	readonly bytes: number;
	readonly tokens: number;
}

/** A log as it came: all of it, or the beginning and the end of it. */
export interface Log {
	readonly head: Uint8Array;
	/** Empty when head is all there is. */
	readonly tail?: Uint8Array;
	/** Between them. */
	readonly omittedBytes?: number;
	/** Where head begins in the log. */
	readonly offset?: number;
}

export interface Excerpt {
	readonly text: string;
	readonly truncated: boolean;
	/** Where in the log the first byte is that is not shown; its end when all is. */
	readonly nextOffset: number;
}

interface Line {
	readonly text: string;
	/** Of the line as it came, its newline counted. */
	readonly rawBytes: number;
}

/**
 * @param clean what becomes of each line
 * @param notice what stands between head and tail: bytes that are missing, and where they begin
 * @param share of the budget that head gets; 1 shows no tail
 */
export function excerpt(
	log: Log,
	budget: Budgets,
	clean: (line: string) => string,
	notice: (bytes: number, offset: number) => string,
	share = 0.5,
): Excerpt {
	const { tail = new Uint8Array(), omittedBytes = 0, offset = 0 } = log;
	const first = lines(log.head, clean);
	const last = lines(tail, clean);
	const total = log.head.length + omittedBytes + tail.length;
	const whole = [...first, ...last].map(({ text }) => text).join("");
	if (omittedBytes === 0 && fits(whole, budget)) return { text: whole, truncated: false, nextOffset: offset + total };
	const body = omittedBytes === 0 ? [...first, ...last] : undefined;
	const head = take(body ?? first, scaled(budget, share));
	const rest = body === undefined ? last : head.rest;
	const end = share < 1 ? takeLast(rest, scaled(budget, 1 - share)) : { text: "", rawBytes: 0 };
	const missing = total - head.rawBytes - end.rawBytes;
	const between = notice(missing, offset + head.rawBytes);
	return {
		text: `${head.text}${head.text === "" || head.text.endsWith("\n") ? "" : "\n"}${between}\n${end.text}`,
		truncated: true,
		nextOffset: offset + head.rawBytes,
	};
}

function lines(bytes: Uint8Array, clean: (line: string) => string): Line[] {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	const found: Line[] = [];
	for (let from = 0; from < buffer.length; ) {
		const newline = buffer.indexOf(0x0a, from);
		const to = newline === -1 ? buffer.length : newline + 1;
		const raw = buffer.toString("utf8", from, newline === -1 ? to : newline);
		found.push({ text: clean(raw.endsWith("\r") ? raw.slice(0, -1) : raw) + (newline === -1 ? "" : "\n"), rawBytes: to - from });
		from = to;
	}
	return found;
}

export function fits(text: string, { bytes, tokens }: Budgets): boolean {
	return Buffer.byteLength(text) <= bytes && estimateTokens(text) <= tokens;
}

function scaled({ bytes, tokens }: Budgets, share: number): Budgets {
	return { bytes: Math.floor(bytes * share), tokens: Math.floor(tokens * share) };
}

function take(all: readonly Line[], budget: Budgets): { text: string; rawBytes: number; rest: readonly Line[] } {
	let [bytes, tokens] = [budget.bytes, budget.tokens];
	let text = "";
	let rawBytes = 0;
	for (const [index, line] of all.entries()) {
		const [lineBytes, lineTokens] = [Buffer.byteLength(line.text), estimateTokens(line.text)];
		if (lineBytes <= bytes && lineTokens <= tokens) {
			text += line.text;
			rawBytes += line.rawBytes;
			bytes -= lineBytes;
			tokens -= lineTokens;
			continue;
		}
		// A line that is longer than what is left is shown in part only when nothing else would be.
		if (text !== "") return { text, rawBytes, rest: all.slice(index) };
		const part = partOf(line.text, { bytes, tokens }, (length) => line.text.slice(0, length));
		const partBytes = Math.min(Buffer.byteLength(part), line.rawBytes);
		const remainder = { text: wellFormed(line.text.slice(part.length)), rawBytes: line.rawBytes - partBytes };
		return { text: part, rawBytes: partBytes, rest: [remainder, ...all.slice(index + 1)] };
	}
	return { text, rawBytes, rest: [] };
}

function takeLast(all: readonly Line[], budget: Budgets): { text: string; rawBytes: number } {
	let [bytes, tokens] = [budget.bytes, budget.tokens];
	const kept: string[] = [];
	let rawBytes = 0;
	for (const line of all.toReversed()) {
		const [lineBytes, lineTokens] = [Buffer.byteLength(line.text), estimateTokens(line.text)];
		if (lineBytes > bytes || lineTokens > tokens) {
			if (kept.length > 0) break;
			const part = partOf(line.text, { bytes, tokens }, (length) => line.text.slice(line.text.length - length));
			return { text: part, rawBytes: Math.min(Buffer.byteLength(part), line.rawBytes) };
		}
		kept.unshift(line.text);
		rawBytes += line.rawBytes;
		bytes -= lineBytes;
		tokens -= lineTokens;
	}
	return { text: kept.join(""), rawBytes };
}

/** As much of a line as fits, by its average; a part with longer characters than that is cut again. */
function partOf(text: string, { bytes, tokens }: Budgets, slice: (length: number) => string): string {
	let length = Math.floor(text.length * Math.min(1, bytes / Buffer.byteLength(text), tokens / estimateTokens(text)));
	for (;;) {
		const part = wellFormed(slice(length));
		const size = Buffer.byteLength(part);
		if (size <= bytes) return part;
		length = Math.min(length - 1, Math.floor((length * bytes) / size));
	}
}

/** A character that was cut in two goes. */
function wellFormed(text: string): string {
	return text.replace(/^\p{Surrogate}|\p{Surrogate}$/gu, "");
}
