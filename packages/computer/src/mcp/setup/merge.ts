/** Puts one server into the text of a configuration and changes nothing else of it, comments and formatting included. What cannot be read is refused. */
import { isDeepStrictEqual } from "node:util";
import { ComputerError } from "../../errors/index.js";
import type { Client } from "./clients.js";

type Place = Pick<Client, "format" | "place">;
type Entry = Readonly<Record<string, unknown>>;
type Values = Record<string, unknown>;

/** Of its own, for showing. */
export async function snippet({ format, place }: Place, name: string, entry: Entry): Promise<string> {
	const value = { [place]: { [name]: entry } };
	return format === "toml" ? (await import("smol-toml")).stringify(value) : `${JSON.stringify(value, undefined, 2)}\n`;
}

/** The new text; the same when it is in it already. `text` is empty for a file that is not there. */
export async function merged(client: Place, text: string, name: string, entry: Entry): Promise<string> {
	const { parse, put } = client.format === "toml" ? await toml() : await json();
	if (text.trim() === "") return snippet(client, name, entry);
	const before = object(parse(text), "the file");
	const servers = before[client.place] === undefined ? {} : object(before[client.place], client.place);
	if (isDeepStrictEqual(servers[name], entry)) return text;
	const fresh = put(text, client, name, entry, servers[name] !== undefined);
	// Whatever the edit did: nothing but this server may be different.
	if (isDeepStrictEqual(parse(fresh), { ...before, [client.place]: { ...servers, [name]: entry } })) return fresh;
	throw refused(`"${name}" cannot be put into it without changing something else`);
}

interface Language {
	readonly parse: (text: string) => unknown;
	readonly put: (text: string, client: Place, name: string, entry: Entry, replaces: boolean) => string;
}

/** With comments and trailing commas, as several clients take it. */
async function json(): Promise<Language> {
	const { applyEdits, modify, parse, printParseErrorCode } = await import("jsonc-parser");
	return {
		parse: (text) => {
			const errors: Parameters<typeof parse>[1] = [];
			const value = parse(text, errors, { allowTrailingComma: true });
			const [first] = errors;
			if (first !== undefined)
				throw refused(`${printParseErrorCode(first.error)} in line ${text.slice(0, first.offset).split("\n").length}`);
			return value;
		},
		put: (text, { place }, name, entry) => {
			const tabs = /^\t/m.test(text);
			const tabSize = /^( +)"/m.exec(text)?.[1]?.length ?? 2;
			const eol = text.includes("\r\n") ? "\r\n" : "\n";
			return applyEdits(text, modify(text, [place, name], entry, { formattingOptions: { insertSpaces: !tabs, tabSize, eol } }));
		},
	};
}

/** A table can always be added at the end. */
async function toml(): Promise<Language> {
	const { parse, stringify } = await import("smol-toml");
	return {
		parse: (text) => {
			try {
				// Through JSON: its tables are objects without a prototype.
				return JSON.parse(JSON.stringify(parse(text)));
			} catch (error) {
				throw refused((error as Error).message.split("\n")[0] ?? "");
			}
		},
		put: (text, { place }, name, entry, replaces) => {
			if (replaces) throw refused(`there is another [${place}.${name}] already`);
			return `${text.replace(/\n*$/, "\n")}\n${stringify({ [place]: { [name]: entry } })}`;
		},
	};
}

function object(value: unknown, what: string): Values {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Values;
	throw refused(`expected ${what} to be an object`);
}

function refused(reason: string): ComputerError {
	return new ComputerError("invalid_argument", `the configuration was left as it is: ${reason}`, {
		hint: "Put it in by hand: --print-config shows what.",
	});
}
