/** One request to an engine over a connection of its own: nothing idle holds the event loop, or keeps an engine of ours awake. */
import http from "node:http";
import https from "node:https";
import type { Duplex, Readable } from "node:stream";
import type { Endpoint } from "./endpoint.js";

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** TLS's name of it: else Node asks whether the host's name is an address, and compiles 4 ms of regular expressions for that. */
const NO_SERVER = { servername: "" };

export interface EngineRequest {
	readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
	/** With its query. */
	readonly path: string;
	/** An object is sent as JSON, a stream as a tar archive. */
	readonly body?: object | Readable | undefined;
	readonly signal?: AbortSignal | undefined;
}

export interface Answer {
	readonly headers: http.IncomingHttpHeaders;
	readonly body: Buffer;
}

/** What an engine refused, in its own words if it has some. */
class EngineRefusal extends Error {
	readonly statusCode: number;
	/** Its answer, where that is JSON. */
	readonly json: unknown;

	constructor({ method, path }: EngineRequest, statusCode: number, body: string) {
		super(`HTTP ${statusCode} to ${method} ${path.split("?")[0]}: ${body.slice(0, 200).trim()}`);
		this.statusCode = statusCode;
		this.json = parse(body);
	}
}

/** The whole answer, bounded. */
export async function ask(endpoint: Endpoint, request: EngineRequest): Promise<Answer> {
	const response = await answerTo(endpoint, request);
	return { headers: response.headers, body: await readAll(response) };
}

/** The answer as it comes. */
export async function answerTo(endpoint: Endpoint, request: EngineRequest): Promise<http.IncomingMessage> {
	const { response, socket } = await exchange(endpoint, request);
	if (response !== undefined) return response;
	socket?.destroy();
	throw new Error(`expected an answer to ${request.method} ${request.path.split("?")[0]}, the engine switched protocols`);
}

/** The connection itself, once the engine has switched it to a raw stream of both ways. */
export async function upgrade(endpoint: Endpoint, request: EngineRequest): Promise<Duplex> {
	const { response, socket } = await exchange(endpoint, request, { connection: "Upgrade", upgrade: "tcp" });
	if (socket !== undefined) return socket;
	response?.destroy();
	throw new Error(`expected the engine to switch protocols, it answered HTTP ${response?.statusCode}`);
}

interface Exchanged {
	readonly response?: http.IncomingMessage;
	readonly socket?: Duplex;
}

function exchange(
	endpoint: Endpoint,
	request: EngineRequest,
	headers: http.OutgoingHttpHeaders = { connection: "close" },
): Promise<Exchanged> {
	const { method, path, body, signal } = request;
	const isArchive = body !== undefined && "pipe" in body;
	const text = body === undefined || isArchive ? undefined : JSON.stringify(body);
	const type = isArchive ? { "content-type": "application/tar" } : text === undefined ? {} : { "content-type": "application/json" };
	// Over TCP it is Node's own: TLS takes the name that it checks from it, and so does a proxy before an engine.
	const host = endpoint.kind === "socket" ? { host: "engine" } : {};
	const options = { method, path, signal, agent: false as const, headers: { ...host, ...type, ...headers } };
	return new Promise((resolve, reject) => {
		const sent =
			endpoint.kind === "socket"
				? http.request({ ...options, ...NO_SERVER, socketPath: endpoint.path })
				: endpoint.tls
					? https.request({ ...options, ...endpoint.tls, host: endpoint.host, port: endpoint.port })
					: http.request({ ...options, host: endpoint.host, port: endpoint.port });
		sent.on("error", reject);
		sent.on("upgrade", (_, socket, head) => {
			if (head.length > 0) socket.unshift(head);
			resolve({ socket });
		});
		sent.on("response", (response) => {
			const { statusCode = 0 } = response;
			if (statusCode >= 200 && statusCode < 300) return resolve({ response });
			readAll(response).then((answer) => reject(new EngineRefusal(request, statusCode, answer.toString("utf8"))), reject);
		});
		if (isArchive) {
			(body as Readable).on("error", (error) => sent.destroy(error));
			(body as Readable).pipe(sent);
		} else sent.end(text);
	});
}

async function readAll(response: http.IncomingMessage): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of response as AsyncIterable<Buffer>) {
		bytes += chunk.length;
		if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

function parse(body: string): unknown {
	try {
		return JSON.parse(body);
	} catch {
		return undefined;
	}
}
