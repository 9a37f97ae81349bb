/** A way through for programs that know no token: all else comes as they send it. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface Door {
	readonly url: string;
	close(): Promise<void>;
}

export async function doorTo(url: string, token: string): Promise<Door> {
	const server = createServer((incoming, outgoing) => {
		const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
		const onward = request(url, { method: incoming.method, headers }, (answer) => {
			outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
			answer.pipe(outgoing);
			outgoing.flushHeaders();
		});
		onward.on("error", () => outgoing.destroy());
		outgoing.on("close", () => onward.destroy());
		incoming.pipe(onward);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
