/** One small GET to an engine, without the engine library: probing a machine without engines must cost nothing. */
import http from "node:http";
import https from "node:https";
import type { Endpoint } from "./endpoint.js";

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface Answer {
	readonly headers: http.IncomingHttpHeaders;
	readonly text: string;
}

/** The parsed JSON of a 200 answer. Rejects with the system's error, or with one that says what came instead. */
export async function getJson(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<unknown> {
	const { text } = await getAnswer(endpoint, path, signal);
	try {
		return JSON.parse(text);
	} catch {
		throw new Error(`no engine's answer to GET ${path}: ${JSON.stringify(text.slice(0, 60))}`);
	}
}

/** A 200 answer, bounded. */
export function getAnswer(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const options = { path, signal, agent: false as const, headers: { host: "engine", connection: "close" } };
		const request =
			endpoint.kind === "socket"
				? http.get({ ...options, socketPath: endpoint.path })
				: endpoint.tls
					? https.get({ ...options, ...endpoint.tls, host: endpoint.host, port: endpoint.port })
					: http.get({ ...options, host: endpoint.host, port: endpoint.port });
		request.on("error", reject);
		request.on("response", (response) => {
			const chunks: Buffer[] = [];
			let bytes = 0;
			response.on("error", reject);
			response.on("data", (chunk: Buffer) => {
				bytes += chunk.length;
				if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
				else chunks.push(chunk);
			});
			response.on("end", () => {
				const text = Buffer.concat(chunks).toString("utf8");
				if (response.statusCode === 200) resolve({ headers: response.headers, text });
				else reject(new Error(`HTTP ${response.statusCode} to GET ${path}: ${text.slice(0, 200).trim()}`));
			});
		});
	});
}
