/** Models that say what a test tells them to, over HTTP as their companies' servers do. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Scripted {
	readonly url: string;
	/** What it was asked, one body for each request. */
	readonly asked: readonly {
		readonly messages: readonly { readonly role: string; readonly content: unknown }[];
		readonly tools?: unknown;
	}[];
	close(): void;
}

/** Answers each request with the next of the answers. */
export async function scripted(answers: readonly object[]): Promise<Scripted> {
	const asked: Scripted["asked"][number][] = [];
	const server = createServer(async (request, response) => {
		let body = "";
		for await (const chunk of request) body += chunk;
		asked.push(JSON.parse(body));
		response.setHeader("content-type", "application/json");
		response.end(JSON.stringify(answers[asked.length - 1] ?? { error: { message: "nothing more was expected" } }));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	return { url: `http://127.0.0.1:${port}`, asked, close: () => server.close().closeAllConnections() };
}
