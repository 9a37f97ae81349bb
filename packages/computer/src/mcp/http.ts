/** The MCP endpoint of an HTTP server: every client works on the same computer. */
import { Desk, type DeskOptions } from "./desk.js";
import { McpEndpoint } from "./endpoint.js";
import { announcingServer, mcpServer } from "./server.js";

/** Ready to be a route; close it after the server. */
export function mcpOverHttp(options: DeskOptions, onError: (error: unknown) => void): Pick<McpEndpoint, "handle" | "close"> {
	const shared = new Desk(options);
	const endpoint = new McpEndpoint({
		serve: () => mcpServer(shared),
		openSession: () => {
			const desk = new Desk(options);
			return { server: announcingServer(desk), close: () => desk.close() };
		},
		onError,
	});
	shared.onOpen(() => endpoint.notify.resourcesChanged());
	return {
		handle: endpoint.handle,
		close: async () => {
			await endpoint.close();
			await shared.close();
		},
	};
}
