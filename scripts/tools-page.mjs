// Makes docs/tools.md from the table of tools.   node scripts/tools-page.mjs --write
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const INTRODUCTION = `# Tools for models

Made by \`node scripts/tools-page.mjs --write\` from the table in \`packages/computer/src/tools/table.ts\`, as every door's tools are.

\`\`\`ts
import { openComputer } from "lms-computer";
import { Toolbox } from "lms-computer/tools";

const toolbox = new Toolbox({ open: (options) => openComputer({ ...options, name: "work" }), profile: "standard" });
toolbox.tools; // name, description, input and output schema of each: give them to your model
const { text } = await toolbox.call("Execute", { command: "uname -a" }); // never throws
toolbox.newTurn(); // the user has spoken
await toolbox.close(); // the computer lives on
\`\`\`

## What holds for all of them

- A result is text for the model and the same facts as data. A failure is a result, too: three lines, the last of them the call to make next.
- Arguments are repaired where their meaning is plain (numbers as text, JSON as text, \`cmd\` for \`command\`, a command as a list, a code block
  around it, -1 or 0 for no end or no limit), and the result says so; an optional one that is left empty is left out. A call that fails a second time, with nothing changed in between, is answered with another way.
- Relative paths begin in the directory of the shell, for every tool alike; \`~\` is the home. A file that is there under a name with other spaces or
  accents alone, as macOS' screenshots are, is found, which is said.
- What comes from files and commands stands between marks that it can not contain. Terminal sequences in it are gone, progress lines are what they were in
  the end. A long output has its head and tail, and says which call reads the rest.
- No call takes longer than its door allows: 45 s, in LM Studio 300 s, and 5 s more for what is no command. A command that does goes on as a job, as
  does one that waits for an answer, and one that serves on a port. A command that reads its input without having asked for anything gets end of file.
  A checkpoint, a rollback, a restart and a rebuild go on, too, and the same call again has their answer.
- A turn has a number of calls (25 unless set), which every result tells; one that can not be understood counts, too. ResetShell, RestartComputer and RebuildComputer cost none.
- UploadFile and DownloadFile touch the host's folders and files that the door allowed, and nothing that a symlink in them leads to. On systems other than Linux
  a guest that writes to a shared folder could still exchange a part of a path in the moment between the look and the use.
- The machine is the boundary, not a list of forbidden commands. With strict safety (the default) a command that would delete all files, and a rollback, are
  preceded by a checkpoint, and a rollback and a rebuild have to be confirmed.

## Profiles

`;

/** @param {{ TOOLS: readonly any[], PROFILES: readonly string[], toolsOf: (profile: string) => readonly any[] }} table */
export function toolsPage({ TOOLS, PROFILES, toolsOf }) {
	const profiles = PROFILES.map(
		(profile) =>
			`| ${profile} | ${toolsOf(profile)
				.map(({ name }) => name)
				.join(", ")} |\n`,
	);
	return `${INTRODUCTION}A door chooses one by its setting, or by the model's context where it knows that: up to 10,000 tokens compact, up to 20,000 standard, else full.\n\n| profile | tools |\n| --- | --- |\n${profiles.join("")}\n${transcripts()}\n${TOOLS.map(section).join("\n")}`;
}

/** What is played against the tools on every driver, see test/support/replay.ts. */
function transcripts() {
	const folder = new URL("../test/transcripts/", import.meta.url);
	const rows = readdirSync(folder)
		.filter((file) => file.endsWith(".json"))
		.sort()
		.map((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")))
		.map(({ title, maxCalls }) => `| ${title} | ${maxCalls} |\n`);
	return `## What small models do

Each is a list of calls in \`test/transcripts/\`, played against the tools on every driver. In the end what the model was after is done, within so many calls;
most of them are the mistakes themselves.

| a model that | calls |
| --- | --- |
${rows.join("")}`;
}

function section({ name, title, description, input, output, hints, cost }) {
	const names = Object.entries({
		"reads only": hints.readOnly,
		"can overwrite or delete": hints.destructive,
		"the same twice is the same": hints.idempotent,
		"reaches outside": hints.openWorld,
		"costs no budget": cost === 0,
	});
	const facts = names.filter(([, holds]) => holds).map(([fact]) => fact);
	const parameters = Object.entries(input.properties).map(([key, schema]) => {
		return `| \`${key}\`${input.required?.includes(key) ? "" : " (optional)"} | ${typeOf(schema)} | ${schema.description ?? ""} |\n`;
	});
	const results = Object.keys(output.properties).filter((key) => !["budget", "error", "repairs"].includes(key));
	return `## ${name}

${title}. ${description}
${facts.length === 0 ? "" : `\n*${facts.join(", ")}*\n`}${parameters.length === 0 ? "" : `\n| parameter | type | |\n| --- | --- | --- |\n${parameters.join("")}`}${results.length === 0 ? "" : `\nResult: ${results.map((key) => `\`${key}\``).join(", ")}\n`}`;
}

function typeOf({ type, enum: choices, items, minimum, maximum }) {
	if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(", ");
	if (items?.properties !== undefined) return `list of { ${Object.keys(items.properties).join(", ")} }`;
	if (items !== undefined) return `list of ${items.type}`;
	if (maximum !== undefined) return `${type}, ${minimum} to ${maximum}`;
	return minimum === undefined ? type : `${type} from ${minimum}`;
}

if (process.argv.includes("--write")) {
	const table = await import("../packages/computer/dist/tools/index.js");
	writeFileSync(fileURLToPath(new URL("../docs/tools.md", import.meta.url)), toolsPage(table));
}
