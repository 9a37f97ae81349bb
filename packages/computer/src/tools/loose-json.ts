/** JSON as models write it by hand: with real newlines in its strings, a comma too many, a fence around it. */
export function parseLoosely(text: string): unknown {
	const trimmed = text
		.trim()
		.replace(/^```[\w]*\s*\n([\s\S]*?)\n?```$/, "$1")
		.trim();
	if (!/^[[{"]/.test(trimmed)) return undefined;
	for (const attempt of [trimmed, withEscapedNewlines(trimmed), withEscapedNewlines(trimmed).replace(/,(\s*[\]}])/g, "$1")]) {
		try {
			return JSON.parse(attempt);
		} catch {}
	}
	return undefined;
}

function withEscapedNewlines(text: string): string {
	return text.replace(/"(?:\\.|[^"\\])*"/gs, (quoted) => quoted.replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t"));
}
