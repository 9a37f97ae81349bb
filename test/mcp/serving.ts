/** The real server over HTTP, as `lms-computer serve` starts it. */
import { request } from "node:http";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type Running, start } from "../cli/command.js";
import { ERAS, type Era } from "./client.js";

export const TOKEN = "a-token-of-the-tests-0123456789";

export interface Serving {
	readonly url: string;
	readonly running: Running;
	connect(era?: Era): Promise<Client>;
	/** As it is told to, whatever that is; the status. */
	send(options: Sent): Promise<{ readonly status: number; readonly text: string; readonly headers: NodeJS.Dict<string | string[]> }>;
	/** With SIGTERM. */
	stop(): Promise<{ readonly status: number | null; readonly stderr: string }>;
}

export interface Sent {
	readonly method?: string;
	readonly path?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

export async function serve(argv: readonly string[]): Promise<Serving> {
	const running = start(["serve", "--port", "0", ...argv], { LMS_COMPUTER_TOKEN: TOKEN });
	await running.says("/mcp\n");
	const url = running.stdout.trim();
	return {
		url,
		running,
		connect: async (era = "2025-11-25") => {
			const client = new Client({ name: "test", version: "1" }, ERAS[era]);
			const authProvider = { token: async () => TOKEN };
			await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
			return client;
		},
		send: ({ body = "", headers = {}, method = "POST", path = "/mcp" }) =>
			new Promise((resolve, reject) => {
				const { hostname, port } = new URL(url);
				const sent = request({ hostname, port, path, method, headers: { "content-type": "application/json", ...headers } }, (answer) => {
					let text = "";
					answer.setEncoding("utf8").on("data", (piece) => {
						text += piece;
					});
					answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }));
				});
				sent.on("error", reject);
				sent.end(body);
			}),
		stop: async () => {
			running.process.stdin.end();
			running.process.kill("SIGTERM");
			return running.ended;
		},
	};
}
