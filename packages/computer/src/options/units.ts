/** Numbers as people write them: `512m`, `90`, `15m`. */
import { refuse } from "../expect.js";

const KIB = 1024;
const SIZES: Readonly<Record<string, number>> = { "": 1, k: KIB, m: KIB ** 2, g: KIB ** 3, t: KIB ** 4 };
const TIMES: Readonly<Record<string, number>> = { ms: 1, "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `64k`, `512m`, `1.5g`, `2 GiB`, `1024`: bytes, in units of 1024. */
export function readBytes(what: string, text: string): number {
	const [, digits, unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
	const value = Math.round(Number(digits) * (SIZES[unit.toLowerCase()] ?? Number.NaN));
	return Number.isSafeInteger(value) ? value : refuse(what, "a number of bytes such as 64k, 512m or 2g", text);
}

/** `90` and `90s` are seconds; `500ms`, `15m`, `2h`, `1d`: ms. */
export function readDuration(what: string, text: string): number {
	const [, digits, unit = ""] = /^(\d{0,9}(?:\.\d{1,3})?)\s*(ms|[smhd]?)$/i.exec(text.trim()) ?? [];
	const value = digits ? Math.ceil(Number(digits) * (TIMES[unit.toLowerCase()] ?? Number.NaN)) : Number.NaN;
	return Number.isSafeInteger(value) ? value : refuse(what, "a time such as 90, 15m or 2h; a plain number is seconds", text);
}

export function readNumber(what: string, text: string): number {
	return /^\d+(\.\d+)?$|^\.\d+$/.test(text) ? Number(text) : refuse(what, "a number", text);
}
