/** Arguments as models send them, made into what the schema asks for where the meaning is plain. Every repair is said. */
import { PARAMETER_WORDS } from "./argument-names.js";
import { brief, briefly } from "./brief.js";
import { callText } from "./call-text.js";
import { convert, type Trouble } from "./convert.js";
import { ToolFailure } from "./failure.js";
import { parseLoosely } from "./loose-json.js";
import { COMMAND_REPAIRS, CONTENT_REPAIRS, listedCommand, PATH_REPAIRS } from "./repair-text.js";
import type { Arguments, ObjectSchema, Schema, ToolDefinition } from "./tool.js";

export interface Prepared {
	readonly args: Arguments;
	/** For the model: `timeout: "30" was read as 30`. */
	readonly repairs: readonly string[];
}

/** More of them tell a model nothing. */
const MAX_REPAIRS = 20;
const MAX_REPAIR = 300;

/** What models put all arguments into once more. */
const WRAPPERS = ["arguments", "args", "parameters", "params", "input", "kwargs"];
/** What they say beside it: the call's own name. */
const BESIDE = ["name", "tool", "toolname", "function", "type", "id"];

/** The one text that may be empty though nobody has to give it: a line of input. */
const MAY_BE_EMPTY = "text";

/** By the parameter's name, whatever the tool. */
const TEXT_REPAIRS: Readonly<Record<string, typeof COMMAND_REPAIRS>> = {
	command: COMMAND_REPAIRS,
	content: CONTENT_REPAIRS,
	path: PATH_REPAIRS,
	source: PATH_REPAIRS,
	destination: PATH_REPAIRS,
	workdir: PATH_REPAIRS,
	directory: PATH_REPAIRS,
	containerPath: PATH_REPAIRS,
	hostPath: PATH_REPAIRS,
};

export function prepare(tool: ToolDefinition, raw: unknown): Prepared {
	const repairs: string[] = [];
	const given = unwrapped(tool.input, asObject(tool, raw ?? {}, repairs), repairs);
	const args = readObject(tool, tool.input, given, repairs);
	const missing = (tool.input.required ?? []).filter((name) => args[name] === undefined);
	if (missing.length > 0) {
		const names = Object.keys(given).filter((name) => given[name] !== undefined && given[name] !== null);
		const got = names.length === 0 ? "nothing" : `\`${names.slice(0, 8).join("`, `")}\``;
		throw wrong(tool, `${tool.name} needs \`${missing.join("`, `")}\`; it got ${got}`, args);
	}
	return { args, repairs: repairs.slice(0, MAX_REPAIRS).map((repair) => brief(repair, MAX_REPAIR)) };
}

function asObject(tool: ToolDefinition, raw: unknown, repairs: string[]): Arguments {
	if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return raw as Arguments;
	const [only, ...others] = tool.input.required ?? [];
	if (typeof raw === "string") {
		const parsed = parseLoosely(raw);
		if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
			repairs.push("the arguments came as text and were read as JSON");
			return parsed as Arguments;
		}
		if (["", "null"].includes(raw.trim())) return {};
		// JSON that was cut off, say, is no command.
		const isJson = /^\s*\{\s*"/.test(raw);
		if (only !== undefined && others.length === 0 && tool.input.properties[only]?.type === "string" && !isJson) {
			repairs.push(`the text was read as \`${only}\``);
			return { [only]: raw };
		}
	}
	throw wrong(tool, `${tool.name} expected an object with its arguments, got ${JSON.stringify(raw).slice(0, 60)}`, {});
}

function unwrapped(schema: ObjectSchema, given: Arguments, repairs: string[]): Arguments {
	const names = Object.keys(given);
	const key = names.find((name) => WRAPPERS.includes(name.toLowerCase()));
	if (key === undefined || key in schema.properties) return given;
	if (!names.every((name) => name === key || (typeof given[name] === "string" && BESIDE.includes(plainName(name))))) return given;
	const value = typeof given[key] === "string" ? parseLoosely(given[key]) : given[key];
	if (typeof value !== "object" || value === null || Array.isArray(value)) return given;
	repairs.push(`the arguments were taken out of \`${key}\``);
	return value as Arguments;
}

function readObject(tool: ToolDefinition, schema: ObjectSchema, given: Arguments, repairs: string[]): Arguments {
	const args: Record<string, unknown> = {};
	const stray: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(given)) {
		if (value === undefined || value === null) continue;
		const known = nameOf(schema, name, given);
		if (known === undefined) {
			stray[name] = value;
			continue;
		}
		// Small models fill in every parameter there is.
		if (value === "" && known !== MAY_BE_EMPTY && !schema.required?.includes(known)) continue;
		if (known !== name) repairs.push(`\`${name}\` was read as \`${known}\``);
		const scaled = /ms$|millis/i.test(name) && known !== name ? inSeconds(value) : value;
		const read = readValue(tool, known, schema.properties[known] as Schema, scaled, repairs, args);
		if (read !== undefined) args[known] = read;
	}
	gatherItems(tool, schema, args, stray, repairs);
	for (const name of Object.keys(stray)) repairs.push(`${tool.name} has no parameter \`${name.slice(0, 40)}\`: it was ignored`);
	return args;
}

/** What belongs into the one list of objects, given beside it: `oldStr` and `newStr` without `replacements`. */
function gatherItems(
	tool: ToolDefinition,
	schema: ObjectSchema,
	args: Record<string, unknown>,
	stray: Record<string, unknown>,
	repairs: string[],
): void {
	for (const [name, { items }] of Object.entries(schema.properties)) {
		if (items?.properties === undefined || args[name] !== undefined) continue;
		const own = Object.entries(stray).filter(([key]) => nameOf(items as ObjectSchema, key, stray) !== undefined);
		if (own.length === 0) continue;
		for (const [key] of own) delete stray[key];
		repairs.push(`\`${own.map(([key]) => key).join("`, `")}\` were read as one of \`${name}\``);
		args[name] = [readItem(tool, name, items as ObjectSchema, Object.fromEntries(own), [], args)];
	}
}

/** @param args what is understood already, for the call to make instead */
function readValue(tool: ToolDefinition, name: string, schema: Schema, given: unknown, repairs: string[], args: Arguments): unknown {
	if (schema.type === "array") return readList(tool, name, schema, given, repairs, args);
	const trouble: Trouble = (expected, value) => {
		throw wrong(tool, `${name} of ${tool.name} has to be ${expected}, got ${JSON.stringify(value)?.slice(0, 60)}`, args);
	};
	const { value, note } = convert(name, schema, takenOut(name, given, repairs), trouble);
	if (note !== undefined) repairs.push(`${name}: ${note}`);
	if (typeof value !== "string") return value;
	let text = value;
	for (const repair of TEXT_REPAIRS[name] ?? []) {
		const repaired = repair(text);
		if (repaired === undefined) continue;
		text = repaired.text;
		repairs.push(`${name}: ${repaired.note}`);
	}
	return text;
}

/** A command that came as a list, and one value in a list or an object of its own; a file's content may well be one. */
function takenOut(name: string, given: unknown, repairs: string[]): unknown {
	if (typeof given !== "object" || given === null || name === "content") return given;
	if (!Array.isArray(given)) {
		const inside = (given as Arguments)[name];
		if (typeof inside !== "string" || Object.keys(given).length > 1) return given;
		repairs.push(`${name}: it was taken out of an object`);
		return inside;
	}
	if (name === "command" && given.length > 0 && given.every((word) => typeof word === "string")) {
		const command = listedCommand(given);
		repairs.push(`command: the list was read as ${JSON.stringify(command)}`);
		return command;
	}
	if (given.length !== 1 || typeof given[0] === "object") return given;
	repairs.push(`${name}: the list of one was read as ${JSON.stringify(given[0])}`);
	return given[0];
}

function inSeconds(ms: unknown): unknown {
	const number = typeof ms === "string" && ms.trim() !== "" ? Number(ms) : ms;
	return typeof number === "number" && Number.isFinite(number) ? number / 1000 : ms;
}

function readList(
	tool: ToolDefinition,
	name: string,
	schema: Schema,
	given: unknown,
	repairs: string[],
	args: Arguments,
): readonly unknown[] {
	let list = given;
	if (typeof given === "string") {
		list = parseLoosely(given);
		if (list !== undefined) repairs.push(`${name}: the text was read as JSON`);
	}
	if (typeof list === "object" && list !== null && !Array.isArray(list)) {
		repairs.push(`${name}: the one object was read as a list of one`);
		list = [list];
	}
	const { items } = schema;
	if (!Array.isArray(list) || items === undefined) {
		throw wrong(tool, `${name} of ${tool.name} has to be a list, got ${JSON.stringify(given)?.slice(0, 60)}`, args);
	}
	if (list.length < (schema.minItems ?? 0)) throw wrong(tool, `${name} of ${tool.name} has to have at least one, it is empty`, args);
	return list.map((item: unknown) =>
		items.properties === undefined ? item : readItem(tool, name, items as ObjectSchema, item, repairs, args),
	);
}

function readItem(tool: ToolDefinition, name: string, schema: ObjectSchema, item: unknown, repairs: string[], args: Arguments): Arguments {
	const object = typeof item === "string" ? parseLoosely(item) : item;
	if (typeof object !== "object" || object === null) throw wrong(tool, `each of ${name} has to be an object`, args);
	const read = readObject(tool, schema, object as Arguments, repairs);
	const missing = (schema.required ?? []).filter((key) => read[key] === undefined);
	if (missing.length > 0) throw wrong(tool, `each of ${name} needs \`${missing.join("`, `")}\``, args);
	return read;
}

function nameOf(schema: ObjectSchema, name: string, given: Arguments): string | undefined {
	if (Object.hasOwn(schema.properties, name)) return name;
	const plain = plainName(name);
	const same = Object.keys(schema.properties).find((key) => key.toLowerCase() === plain);
	if (same !== undefined) return same;
	const words = Object.hasOwn(PARAMETER_WORDS, plain) ? PARAMETER_WORDS[plain] : undefined;
	return words?.find((other) => Object.hasOwn(schema.properties, other) && given[other] === undefined);
}

function plainName(name: string): string {
	return name.toLowerCase().replace(/[^a-z]/g, "");
}

function wrong(tool: ToolDefinition, message: string, got: Arguments): ToolFailure {
	const example = Object.fromEntries(
		(tool.input.required ?? []).map((name) => [name, got[name] ?? placeholder(tool.input.properties[name])]),
	);
	return new ToolFailure({ code: "invalid_argument", message, hint: "", next: callText(tool.name, briefly(example)) });
}

function placeholder(schema: Schema | undefined): unknown {
	if (schema?.type === "array") {
		return [Object.fromEntries(Object.keys(schema.items?.properties ?? {}).map((name) => [name, "…"]))];
	}
	if (schema?.type === "integer") return 1;
	return schema?.type === "boolean" ? true : (schema?.enum?.[0] ?? "…");
}
