/** Keys as models name them: text as it is, and names in angle brackets. */

const NAMED: Readonly<Record<string, string>> = {
	enter: "\r",
	return: "\r",
	cr: "\r",
	tab: "\t",
	esc: "\u001b",
	escape: "\u001b",
	space: " ",
	backspace: "\u007f",
	bs: "\u007f",
	delete: "\u001b[3~",
	del: "\u001b[3~",
	up: "\u001b[A",
	down: "\u001b[B",
	right: "\u001b[C",
	left: "\u001b[D",
	home: "\u001b[H",
	end: "\u001b[F",
	pageup: "\u001b[5~",
	pagedown: "\u001b[6~",
};

/** `q`, `:wq<Enter>`, `<C-c>`, `<Ctrl+D>`, `<Up><Up>`; what is no name stays as it is. */
export function keyBytes(keys: string): string {
	return keys.replace(/\r?\n/g, "\r").replace(/<([^<>\s]{1,12})>/g, (written, name: string) => {
		const plain = name.toLowerCase();
		const control = /^(?:c|ctrl|control)[-+]([a-z[\]\\@^_])$/.exec(plain)?.[1];
		if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 0x1f);
		const alt = /^(?:a|m|alt|meta)[-+](.)$/.exec(plain)?.[1];
		if (alt !== undefined) return `\u001b${alt}`;
		return NAMED[plain] ?? written;
	});
}
