/** Output as a person would have seen it: no terminal of anybody acts on it, and nothing in it is hidden from a reader. */

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: they are what is looked for
/** OSC (titles, links, the clipboard), DCS, APC, PM and SOS with all they carry. A beginning ends the one before: each character is looked at once. */
const STRINGS = /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d\u009e\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)/g;
/** Colours, the cursor, erasing. */
const SEQUENCES = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g;
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above
/**
 * What reorders text, has no width, or spells letters that only a machine reads: all that Unicode lets a font leave out. Joiners of letters and
 * emoji stay, and so does what makes a sign an emoji, but not a row of them, which is a message.
 */
const HIDDEN =
	/(?<!\p{Emoji})\ufe0f|(?<![\p{L}\p{M}\p{Emoji}])(?:\u200c|\u200d)|(?!\u200c|\u200d|\ufe0f)\p{Default_Ignorable_Code_Point}|[\u2028\u2029\ufff9-\ufffb]/gu;

/** One line, without its newline. A progress line that was written over and over is what it was in the end. */
export function cleanLine(raw: string): string {
	if (PLAIN.test(raw)) return raw;
	const text = raw.replace(STRINGS, "").replace(SEQUENCES, "");
	return showHidden(backspaced(lastState(text)).replace(CONTROLS, ""));
}

/** The same for a file's line, of which nothing may go: what is active is shown as its number. */
export function showLine(raw: string): string {
	if (PLAIN.test(raw)) return raw;
	return showHidden(raw.replace(/\r$/, "").replace(CONTROLS, numbered));
}

/** They look like the plain one, which is what a model writes for them. */
const ODD_SPACES = /(?! )\p{Zs}/gu;

/** The same for a value in a call that a model may send back: JSON, in which what is active or hidden is escaped, and means what it meant. */
export function showJson(value: unknown): string | undefined {
	const escaped = (text: string) => text.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
	return JSON.stringify(value)?.replace(CONTROLS, escaped).replace(HIDDEN, escaped).replace(ODD_SPACES, escaped);
}

/** Most of what there is, with nothing of the above in it. */
const PLAIN = /^[\t -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482]*$/;

function showHidden(text: string): string {
	return text.replace(HIDDEN, numbered);
}

function numbered(character: string): string {
	const hex = (character.codePointAt(0) as number).toString(16);
	return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
}

/** What a carriage return leaves in sight. */
function lastState(text: string): string {
	if (!text.includes("\r")) return text;
	return text.split("\r").findLast((part) => part !== "") ?? "";
}

/** A character and the backspace after it cancel out: overstruck manual pages. */
function backspaced(text: string): string {
	if (!text.includes("\b")) return text;
	const kept: string[] = [];
	for (const character of text) {
		if (character === "\b") kept.pop();
		else kept.push(character);
	}
	return kept.join("");
}
