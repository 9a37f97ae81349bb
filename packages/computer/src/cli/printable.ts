/** C0 and C1 controls, and what reorders text: a terminal must not act on a name or a message that a guest chose. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line that shows what it holds and does nothing. */
export function printable(text: string): string {
	return oneLine(text).replace(ACTIVE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Line ends and the blanks around them become one blank. Line by line: a pattern for it takes the square of the time on a text of blanks. */
function oneLine(text: string): string {
	const lines = text.split("\n");
	if (lines.length === 1) return text;
	const last = lines.length - 1;
	const trimmed = lines.map((line, index) => (index === 0 ? line.trimEnd() : index === last ? line.trimStart() : line.trim()));
	return trimmed.filter((line, index) => line !== "" || index === 0 || index === last).join(" ");
}

/** JSON leaves the C1 controls as they are; some terminals act on them. */
export function printableJson(value: unknown, indent = 2): string {
	return JSON.stringify(value, undefined, indent).replace(
		/[\u007f-\u009f]/g,
		(character) => `\\u00${character.charCodeAt(0).toString(16)}`,
	);
}
