/** The tools that the conformance scenarios call, by the names they know. */
import { setTimeout as sleep } from "node:timers/promises";
import {
	acceptedContent,
	type CallToolResult,
	CLIENT_CAPABILITIES_META_KEY,
	type ClientCapabilities,
	createRequestStateCodec,
	type InputRequests,
	type InputRequiredResult,
	inputRequired,
	type ServerContext,
	type ServerNotifier,
} from "@modelcontextprotocol/server";
import { ENUMS, FILLED_IN, form } from "./forms.js";

export interface Fixture {
	readonly description: string;
	readonly input?: Readonly<Record<string, unknown>>;
	run(context: ServerContext, args: Readonly<Record<string, string>>): Promise<CallToolResult | InputRequiredResult>;
}

/** One red pixel. */
export const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
/** Two samples of silence. */
const WAV = "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQQAAAAAAAAA";

/** State that goes to the client and back is signed. */
export const STATES = createRequestStateCodec<{ round: number; name?: string }>({ key: crypto.getRandomValues(new Uint8Array(32)) });

const says = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });
const says1 = (content: CallToolResult["content"][number]) => async (): Promise<CallToolResult> => ({ content: [content] });
const embedded = (uri: string, mimeType: string, text: string) => ({ type: "resource" as const, resource: { uri, mimeType, text } });

const NAME = inputRequired.elicit({ message: "What is your name?", requestedSchema: form({ name: { type: "string" } }, ["name"]) });
const GREETING = question("Greet somebody");
const CONFIRM = inputRequired.elicit({ message: "Go on?", requestedSchema: form({ ok: { type: "boolean" } }, ["ok"]) });

export function tools(notify: () => ServerNotifier): Readonly<Record<string, Fixture>> {
	return {
		test_simple_text: { description: "A text", run: async () => says("This is a simple text response for testing.") },
		test_image_content: { description: "An image", run: says1({ type: "image", data: PNG, mimeType: "image/png" }) },
		test_audio_content: { description: "A sound", run: says1({ type: "audio", data: WAV, mimeType: "audio/wav" }) },
		test_embedded_resource: {
			description: "A resource inside of a result",
			run: says1(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")),
		},
		test_multiple_content_types: {
			description: "Text, image and resource",
			run: async () => ({
				content: [
					{ type: "text", text: "Multiple content types test:" },
					{ type: "image", data: PNG, mimeType: "image/png" },
					embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
				],
			}),
		},
		test_error_handling: {
			description: "A failure",
			run: async () => ({ ...says("This tool intentionally returns an error for testing"), isError: true }),
		},
		test_tool_with_logging: {
			description: "Three lines of a log",
			run: async ({ mcpReq }) => {
				for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
					await mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
					await sleep(50);
				}
				return says("logged");
			},
		},
		test_logging_tool: {
			description: "Logs as far as the request asks for it",
			run: async ({ mcpReq }) => {
				await mcpReq.log("info", "running");
				return says("logged");
			},
		},
		test_tool_with_progress: {
			description: "Progress in three steps",
			run: async ({ mcpReq }) => {
				const progressToken = mcpReq._meta?.progressToken;
				for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
					await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
					await sleep(50);
				}
				return says("done");
			},
		},
		test_sampling: {
			description: "Asks the client's model",
			input: { prompt: { type: "string" } },
			run: async ({ mcpReq }, { prompt = "" }) => {
				const params = { messages: [{ role: "user" as const, content: { type: "text" as const, text: prompt } }], maxTokens: 100 };
				// On this request's own stream: the other one may not be open yet.
				return says(`LLM response: ${JSON.stringify((await mcpReq.send({ method: "sampling/createMessage", params })).content)}`);
			},
		},
		test_elicitation: asks("Asks the user", form({ username: { type: "string" }, email: { type: "string" } }, ["username"])),
		test_elicitation_sep1034_defaults: asks("Asks with a form that is filled in", FILLED_IN),
		test_elicitation_sep1330_enums: asks("Asks with every kind of choice", ENUMS),
		json_schema_2020_12_tool: {
			description: "Its schema uses what 2020-12 has",
			run: async (_context, args) => says(JSON.stringify(args)),
		},
		test_streaming_elicitation: { description: "Nothing but a result", run: async () => says("a result") },
		test_missing_capability: { description: "Needs a client with a model", run: needs({ answer: question("Say pong") }, () => "answered") },
		test_trigger_tool_change: {
			description: "Tells that tools have changed",
			run: async () => {
				notify().toolsChanged();
				return says("told");
			},
		},
		test_trigger_prompt_change: {
			description: "Tells that prompts have changed",
			run: async () => {
				notify().promptsChanged();
				return says("told");
			},
		},
		test_input_required_result_elicitation: { description: "Needs a name", run: withName(({ name }) => says(`Hello, ${name}!`)) },
		test_input_required_result_sampling: {
			description: "Needs the client's model",
			run: needs({ capital_question: question("What is the capital of France?") }, (given) => JSON.stringify(given["capital_question"])),
		},
		test_input_required_result_list_roots: {
			description: "Needs the client's roots",
			run: needs({ client_roots: inputRequired.listRoots() }, (given) => JSON.stringify(given["client_roots"])),
		},
		test_input_required_result_multiple_inputs: {
			description: "Needs three things at once",
			run: needs({ user_name: NAME, greeting: GREETING, client_roots: inputRequired.listRoots() }, JSON.stringify, true),
		},
		test_input_required_result_request_state: { description: "Needs a word, and its state back", run: confirmed },
		test_input_required_result_tampered_state: { description: "Takes no state but its own", run: confirmed },
		test_input_required_result_multi_round: { description: "Asks twice", run: twoRounds },
		test_input_required_result_capabilities: { description: "Asks for what the client can do", run: capable },
	};
}

function question(text: string) {
	return inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 50 });
}

function asks(description: string, requestedSchema: ReturnType<typeof form>): Fixture {
	return {
		description,
		input: { message: { type: "string" } },
		run: async ({ mcpReq }, { message = "Please fill in" }) => {
			const { action, content = {} } = await mcpReq.send({ method: "elicitation/create", params: { message, requestedSchema } });
			return says(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
		},
	};
}

/** Asks until all has come. */
function needs(inputRequests: InputRequests, tell: (given: Record<string, unknown>) => string, withState = false): Fixture["run"] {
	return async ({ mcpReq: { inputResponses = {} } }) => {
		if (Object.keys(inputRequests).every((key) => inputResponses[key] !== undefined)) return says(tell(inputResponses));
		return inputRequired({ inputRequests, ...(withState && { requestState: await STATES.mint({ round: 0 }) }) });
	};
}

function withName(done: (given: { name: string }) => CallToolResult): Fixture["run"] {
	return async ({ mcpReq }) => {
		const given = acceptedContent<{ name: string }>(mcpReq.inputResponses, "user_name");
		return typeof given?.name === "string" ? done(given) : inputRequired({ inputRequests: { user_name: NAME } });
	};
}

async function confirmed({ mcpReq }: ServerContext): Promise<CallToolResult | InputRequiredResult> {
	if (mcpReq.requestState() !== undefined && acceptedContent(mcpReq.inputResponses, "confirm") !== undefined) return says("state-ok");
	return inputRequired({ inputRequests: { confirm: CONFIRM }, requestState: await STATES.mint({ round: 0 }) });
}

async function twoRounds({ mcpReq }: ServerContext): Promise<CallToolResult | InputRequiredResult> {
	const { name, round } = mcpReq.requestState<{ round: number; name?: string }>() ?? { round: 0 };
	if (round === 0) return inputRequired({ inputRequests: { step1: NAME }, requestState: await STATES.mint({ round: 1 }) });
	if (round === 2) return says(`${name} has answered twice`);
	const given = acceptedContent<{ name: string }>(mcpReq.inputResponses, "step1");
	const step2 = inputRequired.elicit({ message: "And your colour?", requestedSchema: form({ color: { type: "string" } }, ["color"]) });
	return inputRequired({ inputRequests: { step2 }, requestState: await STATES.mint({ round: 2, name: given?.name ?? "nobody" }) });
}

async function capable({ mcpReq }: ServerContext): Promise<CallToolResult | InputRequiredResult> {
	if (mcpReq.inputResponses !== undefined) return says("all has come");
	const can = (mcpReq.envelope as Record<string, ClientCapabilities> | undefined)?.[CLIENT_CAPABILITIES_META_KEY];
	return inputRequired({
		inputRequests: {
			...(can?.elicitation && { user_name: NAME }),
			...(can?.sampling && { greeting: GREETING }),
			...(can?.roots && { client_roots: inputRequired.listRoots() }),
		},
	});
}
