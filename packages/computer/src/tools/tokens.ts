/** How many tokens a model makes of a text, near enough to keep a budget without a tokenizer's tables. Rather too many than too few. */
const PIECES = /(\p{Lu}?[\p{Ll}\p{M}]+|\p{Lu}+|[\p{Lo}\p{Lm}]+)|(\p{N}+)|(\n\s*)|([^\S\n]+)|([^\s\p{L}\p{M}\p{N}]+)/gu;
/** Beyond it a text is measured by its beginning. */
const SAMPLE_LENGTH = 64 * 1024;

export function estimateTokens(text: string): number {
	if (text.length > SAMPLE_LENGTH) return Math.ceil((estimateTokens(text.slice(0, SAMPLE_LENGTH)) * text.length) / SAMPLE_LENGTH);
	let tokens = 0;
	for (const [piece, word, digits, newline, spaces] of text.matchAll(PIECES)) {
		if (word !== undefined) tokens += wordTokens(word);
		else if (digits !== undefined) tokens += Math.ceil(digits.length / 3);
		else if (newline !== undefined) tokens += 1;
		// One space goes with the word after it, and so does a run of them, as one more.
		else if (spaces !== undefined) tokens += spaces.length === 1 ? 0 : 1;
		else tokens += symbolTokens(piece);
	}
	return tokens;
}

function wordTokens(word: string): number {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
	if (/^[\u0000-\u007f]+$/.test(word)) return word.length <= 7 ? 1 : Math.ceil(word.length / 5);
	return /^[\u0080-\u07ff]+$/.test(word) ? Math.ceil(word.length / 2.5) : word.length;
}

function symbolTokens(piece: string): number {
	const repeated = new Set(piece).size === 1;
	return repeated ? Math.ceil(piece.length / 16) : Math.ceil(Buffer.byteLength(piece) / 1.8);
}
