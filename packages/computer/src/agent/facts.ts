/** The context of a guest's error: a few facts of known shape. What is longer or of another kind is left out. */
import { type Json, plain } from "./shapes.js";

/** Lines of a file are kept as they are, for whoever has to write them again. */
const MAX_EXCERPT = 16 * 1024;
const MAX_LINES = 32;

export function facts(value: unknown): Record<string, unknown> {
	const kept: Record<string, unknown> = {};
	if (!isObject(value)) return kept;
	for (const [key, fact] of Object.entries(value).slice(0, 16)) {
		const name = plain(key, 64);
		if (typeof fact === "string") kept[name] = plain(fact, 4096);
		else if (typeof fact === "number" || typeof fact === "boolean") kept[name] = fact;
		else if (name === "lines" && Array.isArray(fact)) kept[name] = fact.slice(0, MAX_LINES).filter(Number.isSafeInteger);
		else if (name === "closest" && isObject(fact)) Object.assign(kept, closest(fact));
	}
	return kept;
}

/** Where a file is most like the text that was not found. */
function closest({ line, text, diff }: Json): { closest?: Json } {
	if (!Number.isSafeInteger(line) || typeof text !== "string" || typeof diff !== "string") return {};
	return { closest: { line, text: text.slice(0, MAX_EXCERPT), diff: diff.slice(0, MAX_EXCERPT) } };
}

function isObject(value: unknown): value is Json {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
