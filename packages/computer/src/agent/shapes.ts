/** Reading the guest's JSON. Every field is checked for its type and size: what answers may not be our agent. */
import { ComputerError } from "../errors/index.js";

export type Json = Readonly<Record<string, unknown>>;

/** Longest text in any one field: a path of the kernel's longest, every byte escaped, fits well. */
const MAX_TEXT = 64 * 1024;

export function broken(message: string): ComputerError {
	return new ComputerError("protocol_error", message);
}

export function parseJson(bytes: Buffer, what: string): Json {
	let value: unknown;
	try {
		value = JSON.parse(bytes.toString("utf8"));
	} catch {
		throw broken(`expected JSON as ${what}, got ${bytes.length} bytes that are none`);
	}
	return asObject(value, what);
}

export function asObject(value: unknown, what: string): Json {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
	throw broken(`expected an object as ${what}`);
}

export function list<T>(json: Json, key: string, read: (item: Json) => T): T[] {
	const value = json[key];
	// Go's encoder writes an empty slice that was never made as null.
	if (value === null) return [];
	if (!Array.isArray(value)) throw broken(`expected a list in "${key}" of the guest's answer`);
	return value.map((item) => read(asObject(item, `an item of "${key}"`)));
}

export function text(json: Json, key: string): string {
	const value = json[key];
	if (typeof value === "string" && value.length <= MAX_TEXT) return value;
	throw broken(`expected text in "${key}" of the guest's answer`);
}

export function whole(json: Json, key: string): number {
	const value = json[key];
	if (typeof value === "number" && Number.isSafeInteger(value)) return value;
	throw broken(`expected a whole number in "${key}" of the guest's answer`);
}

export function count(json: Json, key: string): number {
	const value = whole(json, key);
	if (value >= 0) return value;
	throw broken(`expected a number from 0 in "${key}" of the guest's answer`);
}

/** A list of so many counts. */
export function counts(json: Json, key: string, length: number): number[] {
	const value = json[key];
	if (Array.isArray(value) && value.length === length && value.every((one) => Number.isSafeInteger(one) && one >= 0)) return value;
	throw broken(`expected ${length} numbers from 0 in "${key}" of the guest's answer`);
}

export function wholeOrNull(json: Json, key: string): number | null {
	return json[key] === null || json[key] === undefined ? null : whole(json, key);
}

export function countOrNull(json: Json, key: string): number | null {
	return json[key] === null || json[key] === undefined ? null : count(json, key);
}

/** Left out where it is 0. */
export function countOrZero(json: Json, key: string): number {
	return json[key] === undefined ? 0 : count(json, key);
}

export function flag(json: Json, key: string): boolean {
	const value = json[key];
	if (typeof value === "boolean") return value;
	throw broken(`expected true or false in "${key}" of the guest's answer`);
}

export function oneOf<T extends string>(json: Json, key: string, choices: readonly T[]): T {
	const value = json[key];
	const found = choices.find((choice) => choice === value);
	if (found !== undefined) return found;
	throw broken(`expected one of ${choices.join(", ")} in "${key}" of the guest's answer`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it removes
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/** Guest text that goes into a message of ours: one line, no escapes, bounded. */
export function plain(value: string, maxLength: number): string {
	const line = value.slice(0, maxLength).replace(CONTROLS, " ").trim();
	return value.length > maxLength ? `${line}…` : line;
}
