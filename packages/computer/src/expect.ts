/** Checks of what a caller passed. Each says what was expected and what came. */
import { ComputerError } from "./errors/index.js";

/** A value for people: short, on one line, with nothing a terminal would act on. */
function show(value: unknown): string {
	if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
	if (typeof value === "function") return "a function";
	if (Array.isArray(value)) return "an array";
	return typeof value === "object" && value !== null ? "an object" : String(value);
}

export function refuse(what: string, expected: string, value: unknown): never {
	throw new ComputerError("invalid_argument", `expected ${what} to be ${expected}, got ${show(value)}`, { context: { argument: what } });
}

export function expectWhole(what: string, value: unknown, min: number, max: number): number {
	if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
	return refuse(what, max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`, value);
}

export function expectOneOf<T extends string>(what: string, value: unknown, choices: readonly T[]): T {
	const found = choices.find((choice) => choice === value);
	return found ?? refuse(what, `one of ${choices.join(", ")}`, value);
}

/** Text without NUL, which neither an argument, a path nor an environment can carry. */
export function expectText(what: string, value: unknown): string {
	if (typeof value !== "string") refuse(what, "a string", value);
	if (value.includes("\0")) refuse(what, "text without NUL", value);
	return value;
}

/** Half of a character would arrive as U+FFFD. */
export function expectWellFormed(what: string, value: unknown, expected = "well-formed Unicode"): string {
	if (typeof value !== "string") refuse(what, "text", value);
	if (/\p{Surrogate}/u.test(value)) refuse(what, expected, value);
	return value;
}

export function expectMatch(what: string, value: unknown, pattern: RegExp): string {
	if (typeof value === "string" && pattern.test(value)) return value;
	return refuse(what, `text like ${pattern.source}`, value);
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function expectEnv(what: string, value: unknown): Readonly<Record<string, string>> {
	if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(what, "an object of strings", value);
	for (const [name, text] of Object.entries(value)) {
		if (!ENV_NAME.test(name)) refuse(`a name in ${what}`, "letters, digits and _, not beginning with a digit", name);
		expectText(`${what}.${name}`, text);
	}
	return value as Readonly<Record<string, string>>;
}

/** Refuses a key nobody reads: a setting that is misspelt must not be ignored. */
export function expectKeys(what: string, value: unknown, keys: readonly string[]): void {
	if (typeof value !== "object" || value === null) refuse(what, "an object", value);
	for (const key of Object.keys(value)) {
		if (!keys.includes(key)) refuse(`a key of ${what}`, `one of ${keys.join(", ")}`, key);
	}
}

/** `TERM`, `SIGHUP` …, without its `SIG`. */
export function expectSignalName(what: string, value: unknown): string {
	return expectMatch(what, value, /^(SIG)?[A-Z][A-Z0-9+-]{1,12}$/).replace(/^SIG/, "");
}
