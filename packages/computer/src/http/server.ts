/** An HTTP server that only listens where it is told to and asks every request for the token. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ComputerError, type ErrorCode } from "../errors/index.js";
import { type GuardRules, refusal } from "./guard.js";

export interface HttpOptions extends GuardRules {
	/** An address of this host. */
	readonly address: string;
	/** 0: any free one. */
	readonly port: number;
	/** By path. */
	readonly routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>>;
	/** A handler that failed, and the client has its 500 already; or a connection that could not be accepted. */
	readonly onError: (error: unknown) => void;
}

export interface HttpServer {
	/** `http://127.0.0.1:7411` */
	readonly origin: string;
	/** Ends every connection. Idempotent. */
	close(): Promise<void>;
}

export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
	const server = createServer((request, response) => {
		answer(request, response, options).catch((error) => {
			options.onError(error);
			if (!response.headersSent) refuse(response, 500, "the request failed");
			response.destroy();
		});
	});
	await new Promise<void>((resolve, reject) => {
		server.once("error", (cause) => reject(cannotListen(options, cause)));
		server.listen(options.port, options.address, () => {
			server.removeAllListeners("error");
			resolve();
		});
	});
	// Accepting failed, for want of memory say; it goes on listening.
	server.on("error", options.onError);
	const { address, family, port } = server.address() as AddressInfo;
	return {
		origin: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
	const refused = refusal(request.headers, options);
	if (refused !== undefined) return refuse(response, refused.status, refused.message);
	const route = options.routes[(request.url ?? "").split("?")[0] ?? ""];
	if (route === undefined) return refuse(response, 404, `there is only ${Object.keys(options.routes).join(", ")}`);
	await route(request, response);
}

function refuse(response: ServerResponse, status: number, message: string): void {
	if (status === 401) response.setHeader("www-authenticate", "Bearer");
	// What it sends is not read: it may be large.
	response.writeHead(status, { "content-type": "application/json", connection: "close" });
	response.end(`${JSON.stringify({ error: { message } })}\n`);
}

const CANNOT_LISTEN: Readonly<Record<string, readonly [ErrorCode, string]>> = {
	EADDRINUSE: ["already_exists", "Something listens there already: end it, or take another --port; 0 is any free one."],
	EACCES: ["permission_denied", "Take a --port from 1024 on, which every user may have; 0 is any free one."],
};

function cannotListen({ address, port }: HttpOptions, cause: Error): ComputerError {
	const [code, hint] = CANNOT_LISTEN[(cause as NodeJS.ErrnoException).code ?? ""] ?? ["invalid_argument", "Use an address of this host."];
	return new ComputerError(code, `cannot listen on ${address} port ${port}`, { hint, cause });
}
