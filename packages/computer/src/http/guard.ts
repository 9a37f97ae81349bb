/** Who may speak to a server on this host: programs of this host that know the token. Browsers' pages of other sites may not, token or no token. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { validateHostHeader, validateOriginHeader } from "@modelcontextprotocol/server";

export interface GuardRules {
	readonly token: string;
	/** Names by which the server is reached, without ports. */
	readonly hosts: readonly string[];
}

export interface Refusal {
	readonly status: 401 | 403;
	readonly message: string;
}

/** The names of this host; a page of another site that has itself resolved to this host still says its own name. */
export const LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"] as const;

/** Undefined: let it in. In this order, so that a page learns nothing about tokens. */
export function refusal(headers: IncomingHttpHeaders, { hosts, token }: GuardRules): Refusal | undefined {
	const names = [...hosts];
	if (!validateHostHeader(headers.host, names).ok) return { status: 403, message: `the Host header is not one of ${names.join(", ")}` };
	if (!validateOriginHeader(headers.origin, names).ok) return { status: 403, message: "the Origin header is that of another site" };
	// Browsers send it with every request, those without an Origin too, and no page can forge it.
	if (headers["sec-fetch-site"] === "cross-site") return { status: 403, message: "a page of another site sent this" };
	const [, given] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "") ?? [];
	if (given === undefined) return { status: 401, message: "expected the header Authorization: Bearer TOKEN" };
	return sameText(given, token) ? undefined : { status: 401, message: "the token is not the one of this server" };
}

/** In a time that does not tell how much of it was right. */
function sameText(a: string, b: string): boolean {
	const digest = (text: string) => createHash("sha256").update(text).digest();
	return timingSafeEqual(digest(a), digest(b));
}
