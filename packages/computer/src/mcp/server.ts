/** One MCP server, for a connection or for a single request: what the protocol asks, answered from a toolbox. */
import { Server } from "@modelcontextprotocol/server";
import { SERVING } from "../limits.js";
import { version } from "../version.js";
import { callTool, listTools } from "./calls.js";
import { complete } from "./completion.js";
import type { Desk } from "./desk.js";
import { getPrompt, listPrompts } from "./prompts.js";
import { listResources, readResource, TEMPLATES } from "./resources.js";

const VERSION = version();
const LISTS = ["tools/list", "prompts/list", "resources/templates/list", "server/discover"] as const;
const CACHE = Object.fromEntries(LISTS.map((method) => [method, { ttlMs: SERVING.listTtlMs, cacheScope: "private" } as const]));

export function mcpServer(desk: Desk): Server {
	const server = new Server(
		{ name: "lms-computer", title: "Linux computer", version: VERSION },
		{
			capabilities: { tools: {}, resources: { listChanged: true }, prompts: {}, completions: {} },
			instructions: instructions(desk.computerName),
			cacheHints: CACHE,
		},
	);
	server.setRequestHandler("tools/list", () => listTools(desk));
	server.setRequestHandler("tools/call", (request, context) => callTool(desk, request.params, context));
	server.setRequestHandler("resources/list", (_request, context) => listResources(desk, context));
	server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: [...TEMPLATES] }));
	server.setRequestHandler("resources/read", (request, context) => readResource(desk, request.params.uri, context));
	server.setRequestHandler("prompts/list", listPrompts);
	server.setRequestHandler("prompts/get", (request) => getPrompt(request.params));
	server.setRequestHandler("completion/complete", (request, context) => complete(desk, request.params, context));
	return server;
}

/** For a connection that lasts: it is told when there are resources. */
export function announcingServer(desk: Desk): Server {
	const server = mcpServer(desk);
	// A client that is gone, or has not begun, hears nothing.
	const off = desk.onOpen(() => void server.sendResourceListChanged().catch(() => {}));
	server.onclose = off;
	return server;
}

function instructions(name: string): string {
	return `A Linux computer named ${name}, all yours: run commands, edit files, install what you need. Shells, files and jobs stay from call to call. \
It is made at the first call, which may take a while, and is apart from the user's own machine but for what the user shares with it. A command that takes long goes on as a job.`;
}
