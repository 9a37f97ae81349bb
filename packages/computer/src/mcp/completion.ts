/** What may come next in an argument of a prompt or a resource's name. Offers nothing as long as no call has opened the computer. */
import { type CompleteResult, ProtocolError, ProtocolErrorCode, type ServerContext } from "@modelcontextprotocol/server";
import type { Computer } from "../index.js";
import { SERVING } from "../limits.js";
import { STREAMS } from "../tools/uris.js";
import type { Desk } from "./desk.js";
import { PROMPTS } from "./prompts.js";
import { TEMPLATES } from "./resources.js";

export type CompletionKind = "path" | "job" | "stream";

interface Request {
	readonly ref: { readonly type: "ref/prompt"; readonly name: string } | { readonly type: "ref/resource"; readonly uri: string };
	readonly argument: { readonly name: string; readonly value: string };
}

const VARIABLES: Readonly<Record<string, CompletionKind>> = { path: "path", id: "job", stream: "stream" };

export async function complete(desk: Desk, { argument, ref }: Request, context: ServerContext): Promise<CompleteResult> {
	const kind = ref.type === "ref/prompt" ? ofPrompt(ref.name, argument.name) : ofTemplate(ref.uri, argument.name);
	const values = kind === undefined ? [] : await offers(kind, argument.value, desk, context.mcpReq.signal);
	return {
		completion: { values: values.slice(0, SERVING.listed), total: values.length, hasMore: values.length > SERVING.listed },
	};
}

function ofPrompt(name: string, argument: string): CompletionKind | undefined {
	const prompt = PROMPTS.find((one) => one.name === name);
	if (prompt === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${name.slice(0, 100)}`);
	return prompt.arguments.find((one) => one.name === argument)?.completes;
}

function ofTemplate(uri: string, variable: string): CompletionKind | undefined {
	const template = TEMPLATES.find((one) => one.uriTemplate === uri);
	if (template === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown resource template: ${uri.slice(0, 100)}`);
	return Object.hasOwn(VARIABLES, variable) ? VARIABLES[variable] : undefined;
}

async function offers(kind: CompletionKind, value: string, { opened: computer }: Desk, signal: AbortSignal): Promise<string[]> {
	if (kind === "stream") return STREAMS.filter((stream) => stream.startsWith(value));
	if (computer === undefined) return [];
	try {
		return kind === "path" ? await paths(computer, value, signal) : await jobs(computer, value, signal);
	} catch {
		return []; // no such directory, a machine that went: there is nothing to offer
	}
}

async function paths(computer: Computer, value: string, signal: AbortSignal): Promise<string[]> {
	const end = value.lastIndexOf("/") + 1;
	const [directory, begun] = [value.slice(0, end), value.slice(end)];
	const { entries } = await computer.files.list(`/${directory.replace(/^\/+/, "")}`, { signal });
	return entries
		.filter(({ name, nameBytes }) => name.startsWith(begun) && nameBytes === undefined)
		.map(({ name, type }) => `${directory}${name}${type === "directory" ? "/" : ""}`);
}

async function jobs(computer: Computer, value: string, signal: AbortSignal): Promise<string[]> {
	const known = await computer.commands.list({ signal });
	return known
		.map(({ id }) => id)
		.filter((id) => id.startsWith(value))
		.toReversed();
}
