/** One value as its schema wants it, where the meaning is plain. */
import { BOUNDS } from "../limits.js";
import type { Schema } from "./tool.js";

export type Trouble = (expected: string, value: unknown) => never;

/** Texts that may be JSON, and are given as such. A command, a path or an id is none. */
const JSON_TEXTS = new Set(["content", "text", "value", "oldStr", "newStr"]);

interface Converted {
	/** Undefined: none was meant. */
	readonly value: unknown;
	/** What was done, for the model. */
	readonly note?: string;
}

/** More seconds than any command gets: milliseconds were meant. */
const MAX_SECONDS = BOUNDS.timeoutMs.max / 1000;
const SECONDS = new Set(["timeout", "seconds"]);
/** Of these 0, or -1, is how models say: none, or all. */
const NONE_BELOW_ONE = new Set(["timeout", "endLine", "maxResults"]);

export function convert(name: string, schema: Schema, value: unknown, trouble: Trouble): Converted {
	if (schema.type === "string") return asText(name, schema, value, trouble);
	if (schema.type === "boolean") return asFlag(value, trouble);
	if (schema.type === "integer" || schema.type === "number") return asNumber(name, schema, value, trouble);
	return { value };
}

function asText(name: string, { enum: choices }: Schema, value: unknown, trouble: Trouble): Converted {
	if (typeof value === "number" || typeof value === "boolean") return { value: String(value) };
	if (typeof value === "object" && JSON_TEXTS.has(name)) {
		return { value: JSON.stringify(value, undefined, 2), note: "the object was written as JSON" };
	}
	if (typeof value !== "string") return trouble("text", value);
	if (choices === undefined || choices.includes(value)) return { value };
	const found = choices.find((choice) => choice.toLowerCase() === value.trim().toLowerCase());
	return found === undefined ? trouble(`one of ${choices.join(", ")}`, value) : { value: found };
}

function asFlag(value: unknown, trouble: Trouble): Converted {
	if (typeof value === "boolean") return { value };
	if (value === 1 || value === 0) return { value: value === 1 };
	const word = typeof value === "string" ? value.trim().toLowerCase() : "";
	const note = `${JSON.stringify(value)} was read as true or false`;
	if (["true", "yes", "y", "1", "on"].includes(word)) return { value: true, note };
	if (["false", "no", "n", "0", "off", ""].includes(word) && typeof value === "string") return { value: false, note };
	return trouble("true or false", value);
}

function asNumber(name: string, schema: Schema, value: unknown, trouble: Trouble): Converted {
	const match =
		typeof value === "string" ? /^\s*(?:line\s+)?(-?\d+(?:\.\d+)?)\s*(ms|s|sec|seconds?|m|min|minutes?)?\s*$/i.exec(value) : null;
	let number = typeof value === "number" ? value : Number(match?.[1] ?? Number.NaN);
	if (!Number.isFinite(number)) return trouble("a whole number", value);
	const unit = match?.[2]?.toLowerCase() ?? "";
	if (unit === "ms") number /= 1000;
	if (unit.startsWith("m") && unit !== "ms") number *= 60;
	if (number <= 0 && NONE_BELOW_ONE.has(name)) return { value: undefined, note: `${JSON.stringify(value)} was read as none` };
	const notes = typeof value === "string" ? [`${JSON.stringify(value)} was read as ${Math.trunc(number)}`] : [];
	if (SECONDS.has(name) && number > MAX_SECONDS && schema.maximum === undefined) {
		notes.push(`${number} was read as milliseconds: it is in seconds`);
		number /= 1000;
	}
	const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
	const whole = SECONDS.has(name) ? Math.max(1, Math.round(number)) : Math.trunc(number);
	const bounded = Math.min(Math.max(whole, minimum), maximum);
	if (bounded !== whole) notes.push(`${whole} became ${bounded}, its bound`);
	return { value: bounded, ...(notes.length > 0 && { note: notes.join("; ") }) };
}
