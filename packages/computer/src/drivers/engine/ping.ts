/** One small GET to an engine, without its API: probing a machine without engines must cost nothing. */
import type { IncomingHttpHeaders } from "node:http";
import type { Endpoint } from "./endpoint.js";
import { ask } from "./http.js";

/** The parsed JSON of an answer. Rejects with the system's error, or with one that says what came instead. */
export async function getJson(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<unknown> {
	const text = (await ask(endpoint, { method: "GET", path, signal })).body.toString("utf8");
	try {
		return JSON.parse(text);
	} catch {
		throw new Error(`no engine's answer to GET ${path}: ${JSON.stringify(text.slice(0, 60))}`);
	}
}

export async function getHeaders(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<IncomingHttpHeaders> {
	return (await ask(endpoint, { method: "GET", path, signal })).headers;
}
