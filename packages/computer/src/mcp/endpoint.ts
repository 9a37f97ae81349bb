/**
 * The HTTP endpoint of both protocol eras. 2026-07-28 has no sessions: a request carries all there is to know. 2025-11-25 and
 * older begin with `initialize`, and a session's id goes with every later request.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import {
	createMcpHandler,
	isInitializeRequest,
	isLegacyRequest,
	type McpHttpHandler,
	type Server,
	type ServerNotifier,
} from "@modelcontextprotocol/server";
import { SERVING } from "../limits.js";
import { Sessions } from "./sessions.js";

export interface EndpointOptions {
	/** One for each request of the newer era. */
	readonly serve: () => Server;
	/** One for each session of the older era, with what ends with it. */
	readonly openSession: () => { readonly server: Server; readonly close: () => Promise<void> };
	/** For people; no client hears of it. */
	readonly onError: (error: unknown) => void;
}

export class McpEndpoint {
	readonly #modern: McpHttpHandler;
	readonly #sessions: Sessions;
	readonly #handle: ReturnType<typeof toNodeHandler>;

	constructor({ onError, openSession, serve }: EndpointOptions) {
		this.#modern = createMcpHandler(serve, { legacy: "reject", maxRequestBodySize: SERVING.requestBytes, onerror: onError });
		this.#sessions = new Sessions(openSession, onError);
		this.#handle = toNodeHandler(
			{ fetch: (request) => this.#route(request) },
			{ maxRequestBodySize: SERVING.requestBytes, onerror: onError },
		);
	}

	/** What changed, to clients that asked to hear of it. */
	get notify(): ServerNotifier {
		return this.#modern.notify;
	}

	readonly handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
		const id = request.headers["mcp-session-id"];
		// A session is in use as long as one of its streams is open.
		if (typeof id === "string") response.once("close", this.#sessions.use(id));
		// As Node has it: what is not there is undefined.
		await this.#handle(request as IncomingMessage & { method: string; url: string }, response);
	};

	async close(): Promise<void> {
		await Promise.all([this.#modern.close(), this.#sessions.close()]);
	}

	async #route(request: Request): Promise<Response> {
		const parsedBody = request.method === "POST" ? await json(request) : undefined;
		if (parsedBody === INVALID) return failure(400, -32_700, "Parse error: the body is not JSON");
		const given = parsedBody === undefined ? {} : { parsedBody };
		if (!(await isLegacyRequest(request, parsedBody))) return this.#modern.fetch(request, given);
		const id = request.headers.get("mcp-session-id");
		if (id !== null) {
			const transport = this.#sessions.get(id);
			return transport?.handleRequest(request, given) ?? failure(404, -32_001, "Session not found: begin with initialize");
		}
		if (!isInitializeRequest(parsedBody)) return failure(400, -32_000, "Bad Request: no Mcp-Session-Id; begin with initialize");
		const transport = await this.#sessions.open();
		return transport.handleRequest(request, given);
	}
}

const INVALID = Symbol("not JSON");

async function json(request: Request): Promise<unknown> {
	try {
		return JSON.parse(await request.clone().text());
	} catch {
		return INVALID;
	}
}

function failure(status: number, code: number, message: string): Response {
	return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });
}
