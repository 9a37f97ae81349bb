/** MCP on standard input and output: nothing but protocol goes out, and when the input ends all ends. */
import { Console } from "node:console";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { SERVING } from "../limits.js";
import { Desk, type DeskOptions } from "./desk.js";
import { mcpServer } from "./server.js";

export interface StdioOptions extends DeskOptions {
	/** Ends it, as the end of the input does. */
	readonly signal: AbortSignal;
	readonly onError: (error: unknown) => void;
}

/** Resolves when the client has gone and nothing of its calls runs any more. */
export async function runStdio({ onError, signal, ...options }: StdioOptions): Promise<void> {
	const { stderr, stdin, stdout } = process;
	// A library that prints would break the protocol.
	globalThis.console = new Console(stderr, stderr);
	const desk = new Desk(options);
	const gone = new Promise<void>((resolve) => {
		const end = () => resolve();
		for (const event of ["end", "close", "error"]) stdin.once(event, end);
		for (const event of ["close", "error"]) stdout.once(event, end);
		if (signal.aborted) end();
		else signal.addEventListener("abort", end, { once: true });
	});
	const transport = new StdioServerTransport(stdin, stdout, { maxBufferSize: SERVING.requestBytes });
	const handle = serveStdio(() => mcpServer(desk), { transport, onerror: onError });
	await gone;
	await Promise.all([handle.close(), desk.close()]);
}
