/** Arguments as models send them, made into what the schema asks for where the meaning is plain. */
import { callText } from "./call-text.js";
import { ToolFailure } from "./failure.js";
import type { Arguments, ObjectSchema, Schema, ToolDefinition } from "./tool.js";

export interface Prepared {
	readonly args: Arguments;
	/** What was repaired, for the model: `timeout: read "30" as 30`. */
	readonly repairs: readonly string[];
}

/** Other words that models use for a parameter. The first that the tool has is meant. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
	cmd: ["command"],
	script: ["command"],
	code: ["command", "content"],
	shell: ["command"],
	bash: ["command"],
	input: ["text", "command"],
	file: ["path"],
	filename: ["path"],
	filepath: ["path"],
	dir: ["path", "directory", "workdir"],
	folder: ["path", "directory"],
	text: ["content"],
	contents: ["content"],
	data: ["content", "text"],
	body: ["content"],
	cwd: ["workdir"],
	workingdirectory: ["workdir"],
	timeoutseconds: ["timeout"],
	timeoutms: ["timeout"],
	from: ["source"],
	src: ["source"],
	to: ["destination"],
	dest: ["destination"],
	query: ["pattern"],
	regex: ["pattern"],
	id: ["job", "handleId", "checkpoint"],
	jobid: ["job", "handleId"],
	handle: ["job", "handleId"],
	handleid: ["job", "handleId"],
	job: ["handleId", "job"],
	name: ["key"],
	variable: ["key"],
	start: ["startLine"],
	end: ["endLine"],
	line: ["afterLine"],
	oldstring: ["oldStr"],
	newstring: ["newStr"],
	oldtext: ["oldStr"],
	newtext: ["newStr"],
	old: ["oldStr"],
	new: ["newStr"],
	edits: ["replacements"],
};

export function prepare(tool: ToolDefinition, raw: unknown): Prepared {
	const repairs: string[] = [];
	let given = raw ?? {};
	if (typeof given === "string") {
		const parsed = parseObject(given);
		if (parsed !== undefined) {
			given = parsed;
			repairs.push("the arguments came as text and were read as JSON");
		}
	}
	if (typeof given !== "object" || Array.isArray(given)) throw wrong(tool, "an object with the arguments", given);
	return { args: object(tool, tool.input, given as Arguments, repairs), repairs };
}

function object(tool: ToolDefinition, schema: ObjectSchema, given: Arguments, repairs: string[]): Arguments {
	const args: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(given)) {
		if (value === undefined || value === null) continue;
		const known = nameOf(schema, name);
		if (known === undefined) {
			repairs.push(`there is no parameter \`${name}\`: it was ignored`);
			continue;
		}
		if (known !== name) repairs.push(`\`${name}\` was read as \`${known}\``);
		args[known] = convert(tool, known, schema.properties[known] as Schema, value, repairs);
	}
	const missing = (schema.required ?? []).filter((name) => args[name] === undefined);
	if (missing.length > 0) throw wrong(tool, `the argument \`${missing.join("`, `")}\``, undefined);
	return args;
}

function nameOf(schema: ObjectSchema, name: string): string | undefined {
	if (name in schema.properties) return name;
	const plain = name.toLowerCase().replace(/[^a-z]/g, "");
	const same = Object.keys(schema.properties).find((key) => key.toLowerCase() === plain);
	return same ?? OTHER_NAMES[plain]?.find((other) => other in schema.properties);
}

function convert(tool: ToolDefinition, name: string, schema: Schema, value: unknown, repairs: string[]): unknown {
	const { type } = schema;
	if (type === "string" && typeof value === "string") return value;
	if (type === "string" && (typeof value === "number" || typeof value === "boolean")) return String(value);
	if ((type === "integer" || type === "number") && typeof value === "number" && Number.isFinite(value)) return Math.trunc(value);
	if ((type === "integer" || type === "number") && typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value)) {
		repairs.push(`${name}: ${JSON.stringify(value)} was read as a number`);
		return Math.trunc(Number(value));
	}
	if (type === "boolean" && typeof value === "boolean") return value;
	if (type === "boolean" && typeof value === "string" && /^(true|false|yes|no)$/i.test(value)) return /^(true|yes)$/i.test(value);
	if (type === "array" && Array.isArray(value) && schema.items !== undefined) {
		const { items } = schema;
		return value.map((one) =>
			items.properties === undefined || typeof one !== "object" ? one : object(tool, items as ObjectSchema, one, repairs),
		);
	}
	throw wrong(tool, `${name} to be of the type ${type}`, value);
}

function parseObject(text: string): Arguments | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Arguments) : undefined;
	} catch {
		return undefined;
	}
}

function wrong(tool: ToolDefinition, expected: string, value: unknown): ToolFailure {
	const got = value === undefined ? "none" : JSON.stringify(value).slice(0, 60);
	const example = Object.fromEntries((tool.input.required ?? []).map((name) => [name, "…"]));
	return new ToolFailure({
		code: "invalid_argument",
		message: `${tool.name} expected ${expected}, got ${got}`,
		hint: "",
		next: callText(tool.name, example),
	});
}
