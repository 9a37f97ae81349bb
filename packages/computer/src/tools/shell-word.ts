/** Text as one word of a shell's, for calls that are proposed to a model. */
function shellWord(text: string): string {
	return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The shell has to see that `~` is the home. */
export function shellPath(path: string): string {
	if (path === "~") return path;
	return path.startsWith("~/") ? `~/${path === "~/" ? "" : shellWord(path.slice(2))}` : shellWord(path);
}
