/** Tools, in the words of the protocol. What they do is the toolbox's. */
import type { CallToolResult, ListToolsResult, ServerContext } from "@modelcontextprotocol/server";
import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { ToolDefinition, ToolResult } from "../tools/index.js";
import type { Desk } from "./desk.js";
import { Progress } from "./progress.js";

export function listTools({ toolbox }: Desk): ListToolsResult {
	return { tools: toolbox.tools.map(described) };
}

function described({ description, hints, input, name, output, title }: ToolDefinition): ListToolsResult["tools"][number] {
	return {
		name,
		title,
		description,
		inputSchema: input as unknown as ListToolsResult["tools"][number]["inputSchema"],
		outputSchema: output as unknown as NonNullable<ListToolsResult["tools"][number]["outputSchema"]>,
		annotations: {
			title,
			readOnlyHint: hints.readOnly,
			destructiveHint: hints.destructive,
			idempotentHint: hints.idempotent,
			openWorldHint: hints.openWorld,
		},
	};
}

interface Call {
	readonly name: string;
	readonly arguments?: Record<string, unknown> | undefined;
}

export async function callTool(desk: Desk, call: Call, context: ServerContext): Promise<CallToolResult> {
	// A name that is not in the list is a defect of the client; arguments that do not fit are the model's, who gets to read of it.
	if (!desk.toolbox.tools.some((tool) => tool.name === call.name)) {
		throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${call.name.slice(0, 100)}`);
	}
	const progress = Progress.of(context);
	try {
		return answer(
			await desk.call(call.name, call.arguments ?? {}, { signal: untilGone(context), onStatus: (text) => progress?.say(text) }),
		);
	} finally {
		progress?.end();
	}
}

/** Aborted when the client cancels, and when it is gone: who is not there to read has no use for what runs. */
function untilGone({ http, mcpReq }: ServerContext): AbortSignal {
	return http?.req === undefined ? mcpReq.signal : AbortSignal.any([mcpReq.signal, http.req.signal]);
}

function answer({ isError, links = [], structured, text }: ToolResult): CallToolResult {
	return {
		content: [
			{ type: "text", text },
			...links.map(({ mimeType, name, uri }) => ({
				type: "resource_link" as const,
				uri,
				name,
				...(mimeType !== undefined && { mimeType }),
			})),
		],
		structuredContent: { ...structured },
		isError,
	};
}
