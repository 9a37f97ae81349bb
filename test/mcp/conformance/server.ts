/** A server with what the conformance scenarios ask for, for the transport stack of the real one. */
import {
	acceptedContent,
	type GetPromptResult,
	type InputRequiredResult,
	inputRequired,
	ProtocolError,
	ProtocolErrorCode,
	type ReadResourceResult,
	ResourceNotFoundError,
	Server,
	type ServerContext,
	type ServerNotifier,
} from "@modelcontextprotocol/server";
import { form, SCHEMA_2020_12 } from "./forms.js";
import { PNG, STATES, tools } from "./tools.js";

const RESOURCES = {
	"test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
	"test://static-binary": { mimeType: "image/png", blob: PNG },
	"test://watched-resource": { mimeType: "text/plain", text: "Watched resource content" },
} as const;

const PROMPTS: Readonly<Record<string, readonly string[]>> = {
	test_simple_prompt: [],
	test_prompt_with_arguments: ["arg1", "arg2"],
	test_prompt_with_embedded_resource: ["resourceUri"],
	test_prompt_with_image: [],
	test_input_required_result_prompt: [],
};

export function conformanceServer(notify: () => ServerNotifier): Server {
	const fixtures = tools(notify);
	const server = new Server(
		{ name: "conformance", version: "1.0.0" },
		{
			capabilities: {
				tools: { listChanged: true },
				prompts: { listChanged: true },
				resources: { subscribe: true, listChanged: true },
				completions: {},
				logging: {},
			},
			requestState: { verify: STATES.verify },
		},
	);
	server.setRequestHandler("tools/list", () => ({
		tools: Object.entries(fixtures).map(([name, { description, input = {} }]) => ({
			name,
			description,
			inputSchema: name.startsWith("json_schema") ? SCHEMA_2020_12 : { type: "object" as const, properties: input },
		})) as never,
	}));
	server.setRequestHandler("tools/call", async ({ params }, context) => {
		const fixture = fixtures[params.name];
		if (fixture === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
		return fixture.run(context, (params.arguments ?? {}) as Record<string, string>);
	});
	server.setRequestHandler("resources/list", () => ({
		resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({ uri, mimeType, name: uri.slice("test://".length) })),
	}));
	server.setRequestHandler("resources/templates/list", () => ({
		resourceTemplates: [{ uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" }],
	}));
	server.setRequestHandler("resources/read", ({ params }) => read(params.uri));
	server.setRequestHandler("resources/subscribe", () => ({}));
	server.setRequestHandler("resources/unsubscribe", () => ({}));
	server.setRequestHandler("prompts/list", () => ({
		prompts: Object.entries(PROMPTS).map(([name, names]) => ({
			name,
			description: name.replaceAll("_", " "),
			arguments: names.map((argument) => ({ name: argument, required: true })),
		})),
	}));
	server.setRequestHandler("prompts/get", ({ params }, context) => prompt(params.name, params.arguments ?? {}, context));
	server.setRequestHandler("completion/complete", () => ({ completion: { values: [], total: 0, hasMore: false } }));
	return server;
}

function read(uri: string): ReadResourceResult {
	const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
	if (id !== undefined)
		return { contents: [{ uri, mimeType: "application/json", text: JSON.stringify({ id, data: `Data for ID: ${id}` }) }] };
	if (!Object.hasOwn(RESOURCES, uri)) throw new ResourceNotFoundError(uri);
	return { contents: [{ uri, ...RESOURCES[uri as keyof typeof RESOURCES] }] };
}

async function prompt(
	name: string,
	given: Readonly<Record<string, string>>,
	{ mcpReq }: ServerContext,
): Promise<GetPromptResult | InputRequiredResult> {
	const user = (...contents: GetPromptResult["messages"][number]["content"][]): GetPromptResult => ({
		messages: contents.map((content) => ({ role: "user", content })),
	});
	const text = (text: string) => ({ type: "text" as const, text });
	switch (name) {
		case "test_simple_prompt":
			return user(text("This is a simple prompt for testing."));
		case "test_prompt_with_arguments":
			return user(text(`Prompt with arguments: arg1='${given["arg1"]}', arg2='${given["arg2"]}'`));
		case "test_prompt_with_embedded_resource":
			return user(
				{
					type: "resource",
					resource: { uri: given["resourceUri"] ?? "", mimeType: "text/plain", text: "Embedded resource content for testing." },
				},
				text("Please process the embedded resource above."),
			);
		case "test_prompt_with_image":
			return user({ type: "image", data: PNG, mimeType: "image/png" }, text("Please analyze the image above."));
		case "test_input_required_result_prompt": {
			const context = acceptedContent<{ context: string }>(mcpReq.inputResponses, "user_context");
			if (context !== undefined) return user(text(`Use this: ${context.context}`));
			const requestedSchema = form({ context: { type: "string" } }, ["context"]);
			return inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message: "What context?", requestedSchema }) } });
		}
		default:
			throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${name}`);
	}
}
