/** Where an engine listens: a unix socket, a Windows pipe, or a TCP port. */
import { ComputerError } from "../../errors/index.js";

export interface TlsMaterial {
	readonly ca?: Buffer | undefined;
	readonly cert?: Buffer | undefined;
	readonly key?: Buffer | undefined;
	readonly rejectUnauthorized: boolean;
}

export type Endpoint =
	| { readonly kind: "socket"; readonly path: string }
	| { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: TlsMaterial | undefined };

/**
 * Reads `unix:///path`, `npipe:////./pipe/name`, `tcp://host:port`, `http(s)://host:port` or an absolute path.
 * @param tls used for `tcp:`; without it `tcp:` is plain and `https:` trusts the system's authorities
 */
export function parseEndpoint(text: string, tls?: TlsMaterial): Endpoint {
	if (text.startsWith("/") || text.startsWith("\\\\.\\pipe\\")) return { kind: "socket", path: text };
	if (text.startsWith("unix://")) return socket(text, text.slice("unix://".length));
	if (text.startsWith("npipe://")) return socket(text, text.slice("npipe://".length));
	let url: URL;
	try {
		url = new URL(text);
	} catch {
		throw unreadable(text);
	}
	if (url.protocol === "ssh:") {
		throw new ComputerError("not_supported", `An engine over ssh was asked for (${text}); only sockets, pipes and TCP are supported`, {
			hint: "Forward its socket, `ssh -L /tmp/engine.sock:/var/run/docker.sock HOST`, and use unix:///tmp/engine.sock.",
		});
	}
	if (!["tcp:", "http:", "https:"].includes(url.protocol) || url.hostname === "") throw unreadable(text);
	const secure = tls ?? (url.protocol === "https:" ? { rejectUnauthorized: true } : undefined);
	const port = url.port === "" ? (secure ? 2376 : 2375) : Number(url.port);
	// URL keeps the brackets of an IPv6 address, net.connect wants none.
	return { kind: "tcp", host: url.hostname.replace(/^\[|\]$/g, ""), port, tls: secure };
}

/** For people, and equal for equal endpoints. */
export function describeEndpoint(endpoint: Endpoint): string {
	if (endpoint.kind === "socket") return endpoint.path;
	const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
	return `${endpoint.tls ? "https" : "tcp"}://${host}:${endpoint.port}`;
}

function socket(text: string, path: string): Endpoint {
	if (path === "") throw unreadable(text);
	return { kind: "socket", path };
}

function unreadable(text: string): ComputerError {
	return new ComputerError(
		"invalid_argument",
		`An engine's address was expected, such as unix:///var/run/docker.sock; got ${JSON.stringify(text)}`,
		{
			hint: "Use unix://PATH, npipe://PIPE, tcp://HOST:PORT or https://HOST:PORT.",
		},
	);
}
