/** Questions that programs ask, known by the last line they wrote. */

export interface Prompt {
	readonly pattern: RegExp;
	/** `it asks for …` */
	readonly what: string;
	/** A usual answer; undefined where only the user knows it. */
	readonly answer?: string;
	/** How the question is not asked at all. */
	readonly avoid: string;
}

const PROMPTS: readonly Prompt[] = [
	{
		pattern: /do you want to continue\? \[y\/n\]|is this ok \[y\/d\/n\]/i,
		what: "the package manager asks whether to go on",
		answer: "y",
		avoid: "install with -y: `DEBIAN_FRONTEND=noninteractive apt-get install -y …`",
	},
	{
		pattern: /continue connecting \(yes\/no/i,
		what: "ssh asks whether to trust a host",
		answer: "yes",
		avoid: "`ssh -o StrictHostKeyChecking=accept-new …`",
	},
	{
		pattern:
			/^(package name|version|description|entry point|test command|git repository|keywords|author|license):.*$|is this ok\? \(yes\)/i,
		what: "npm init asks for the package's details",
		answer: "",
		avoid: "`npm init -y`",
	},
	{
		pattern: /(password|passphrase|passcode|token)[^:\n]{0,80}:\s*$/i,
		what: "it asks for a password",
		avoid: "give it by an option, a variable or a key file; root needs no sudo",
	},
	{
		pattern: /^((>>>|\.\.\.) ?)+$/,
		what: "a Python prompt waits for a statement",
		avoid: "`python3 -c '…'`, or write a file and run it",
	},
	{
		pattern: /^(sqlite|mysql|mariadb \[.*\]|[\w-]+[=-][#>])> ?$|^[\w-]+=[#>] ?$|^\(gdb\) ?$|^\(Pdb\) ?$|^ftp> ?$/i,
		what: "a prompt waits for a statement",
		avoid: "give the statement as an argument or from a file",
	},
	{
		pattern: /--more--|^\(end\)$|^lines \d+-\d+|press (any key|enter|return|q)/i,
		what: "a pager waits for a key",
		answer: "q",
		avoid: "add `| cat`, or set PAGER=cat",
	},
	{
		pattern: /[[(](y\/n|yes\/no|n\/y|y\/n\/\w)[^\])]{0,20}[\])]|\(y\)es|overwrite .*\?/i,
		what: "it asks a question to be answered with yes or no",
		answer: "y",
		avoid: "most programs take -y, --yes or --force",
	},
	{ pattern: /^> ?$/, what: "a prompt waits for a line", avoid: "give the text as an argument or from a file" },
];

/** Anything that does not end its line and looks like a question. */
const OPEN_QUESTION = /[:?>\])] ?$/;

const GENERIC: Prompt = {
	pattern: OPEN_QUESTION,
	what: "it asks for input",
	avoid: "give the answer as an option, or send it in: `printf 'answer\\n' | command`",
};

/** @param output cleaned, at least its last line; @param reads the program is known to stand in a read of its input */
export function promptIn(output: string, reads: boolean): Prompt | undefined {
	// Whoever ends the line waits for its reader, if it is known to wait at all.
	if (!reads && output.endsWith("\n")) return undefined;
	const lastLine = output.trimEnd().split("\n").at(-1)?.trim() ?? "";
	if (lastLine === "" || lastLine.length > 500) return undefined;
	const known = PROMPTS.find(({ pattern }) => pattern.test(lastLine));
	if (known !== undefined) return known;
	if (reads) return !output.endsWith("\n") || OPEN_QUESTION.test(lastLine) ? GENERIC : undefined;
	return undefined;
}
