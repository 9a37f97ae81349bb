/** Asks every candidate at once who it is, and takes the first in order that is the engine looked for; but none after one that the user names and that does not answer. */
import { setMaxListeners } from "node:events";
import { statSync } from "node:fs";
import { DEADLINES } from "../../limits.js";
import type { Candidate, EngineKind } from "./candidates.js";
import { describeEndpoint, type Endpoint } from "./endpoint.js";
import { getHeaders, getJson } from "./ping.js";

export interface Found {
	readonly endpoint: Endpoint;
	readonly source: string;
	readonly version: string;
}

export interface Tried {
	readonly endpoint: string;
	readonly reason: string;
}

interface Refusal extends Tried {
	/** It answers, and is the other engine: what is named so is not this one. */
	readonly isOther?: boolean;
}

export type Discovery =
	| { readonly found: Found }
	/** `silent`: the last of them is the one that the user names. Their computers are there, and another engine would make others of the same names. */
	| { readonly found: undefined; readonly tried: readonly Tried[]; readonly silent: boolean };

/** Never throws but for an aborted signal. Later candidates are not waited for once an earlier one will do. */
export async function discoverEngine(candidates: readonly Candidate[], kind: EngineKind, signal?: AbortSignal): Promise<Discovery> {
	const decided = new AbortController();
	// One listener for each candidate is no leak.
	setMaxListeners(0, decided.signal);
	const abort = (): void => decided.abort();
	signal?.addEventListener("abort", abort, { once: true });
	try {
		signal?.throwIfAborted();
		const answers = candidates.map((candidate) => ask(candidate, kind, decided.signal));
		const tried: Tried[] = [];
		for (const [index, answer] of answers.entries()) {
			const result = await answer;
			signal?.throwIfAborted();
			if ("version" in result) return { found: result };
			tried.push({ endpoint: result.endpoint, reason: result.reason });
			if (candidates[index]?.named === kind && !result.isOther) return { found: undefined, tried, silent: true };
		}
		return { found: undefined, tried, silent: false };
	} finally {
		signal?.removeEventListener("abort", abort);
		decided.abort();
	}
}

async function ask({ source, endpoint }: Candidate, kind: EngineKind, signal: AbortSignal): Promise<Found | Refusal> {
	if (endpoint instanceof Error) return { endpoint: source, reason: explain(endpoint) };
	const place = source === "known socket" ? describeEndpoint(endpoint) : `${source} (${describeEndpoint(endpoint)})`;
	// Most of the known places are empty, and a request to each takes a hundred times a look.
	if (isMissing(endpoint)) return { endpoint: place, reason: NO_SOCKET };
	const controller = new AbortController();
	const abort = (): void => controller.abort();
	const timer = setTimeout(abort, DEADLINES.probeMs);
	signal.addEventListener("abort", abort, { once: true });
	try {
		const headers = await getHeaders(endpoint, "/_ping", controller.signal);
		// Podman takes half a second for /version: it asks the package manager for the versions of all its parts.
		const answer = identifyServer(headers["server"]) ?? identify(await getJson(endpoint, "/version", controller.signal));
		if (answer === undefined) return { endpoint: place, reason: "something answers, but it is no container engine" };
		if (answer.kind !== kind)
			return { endpoint: place, reason: `this is ${answer.kind} ${answer.version}, which the ${answer.kind} driver uses`, isOther: true };
		return { endpoint, source, version: answer.version };
	} catch (error) {
		return { endpoint: place, reason: controller.signal.aborted ? `no answer within ${DEADLINES.probeMs} ms` : explain(error) };
	} finally {
		clearTimeout(timer);
		signal.removeEventListener("abort", abort);
	}
}

function isMissing(endpoint: Endpoint): boolean {
	if (endpoint.kind !== "socket" || process.platform === "win32") return false;
	try {
		return statSync(endpoint.path, { throwIfNoEntry: false }) === undefined;
	} catch {
		return false; // a directory that may not be entered, say: the request has the words for it
	}
}

/** From the header that both set: `Docker/20.10.24 (linux)`, `Libpod/4.3.1 (linux)`. Something between may have taken it away. */
function identifyServer(header: string | string[] | undefined): Identity | undefined {
	const [, product, version] = /^(Docker|Libpod)\/(\S+)/.exec(header?.toString() ?? "") ?? [];
	return product === undefined || version === undefined ? undefined : { kind: product === "Libpod" ? "podman" : "docker", version };
}

interface Identity {
	readonly kind: EngineKind;
	readonly version: string;
}

/** Podman answers the Docker API too; only the list of components tells them apart. */
function identify(answer: unknown): Identity | undefined {
	if (typeof answer !== "object" || answer === null) return undefined;
	const { Version: version, Components: components } = answer as Record<string, unknown>;
	if (typeof version !== "string") return undefined;
	const isPodman = Array.isArray(components) && components.some((part) => (part as { Name?: unknown } | null)?.Name === "Podman Engine");
	return { kind: isPodman ? "podman" : "docker", version };
}

export const NO_SOCKET = "no such socket";
export const NOBODY_LISTENS = "nobody listens on it";
export const NOT_PERMITTED = "permission denied";

function explain(error: unknown): string {
	const { code, message } = error as NodeJS.ErrnoException;
	if (code === "ENOENT" || code === "ENOTSOCK") return NO_SOCKET;
	if (code === "ECONNREFUSED") return NOBODY_LISTENS;
	if (code === "EACCES" || code === "EPERM") return NOT_PERMITTED;
	return message;
}
