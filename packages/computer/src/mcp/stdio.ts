/** MCP on standard input and output: nothing but protocol goes out, and when the input ends all ends. */
import { Console } from "node:console";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { ComputerError } from "../errors/index.js";
import { SERVING } from "../limits.js";
import { Desk, type DeskOptions } from "./desk.js";
import { announcingServer } from "./server.js";

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
	let last: unknown;
	const note = (error: unknown) => {
		last = error;
		onError(error);
	};
	const transport = new StdioServerTransport(stdin, stdout, { maxBufferSize: SERVING.requestBytes });
	const handle = serveStdio(() => announcingServer(desk), { transport, onerror: note });
	const over = new Promise<void>((resolve) => {
		// At the end of the input, when nobody reads the output any more, and when a message is too long to be one.
		const { onclose } = transport;
		transport.onclose = () => {
			onclose?.();
			resolve();
		};
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
	await over;
	await Promise.all([handle.close(), desk.close()]);
	if (stdin.readableEnded || stdin.destroyed || signal.aborted) return;
	const reason = last instanceof Error ? last.message : "the connection was closed";
	throw new ComputerError("connection_lost", `the client can not be understood any more: ${reason}`, { hint: "", cause: last });
}
