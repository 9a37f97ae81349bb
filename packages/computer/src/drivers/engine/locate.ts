/** From a dialect and a host to a live engine, or to the reasons why there is none. */
import type { Availability } from "../../driver.js";
import { type Candidate, listCandidates } from "./candidates.js";
import type { Dialect } from "./dialect.js";
import { discoverEngine, NO_SOCKET, NOBODY_LISTENS, NOT_PERMITTED, type Tried } from "./discovery.js";
import { describeEndpoint, parseEndpoint } from "./endpoint.js";
import { Engine } from "./engine.js";
import { findProgram, type Host } from "./host.js";

const OWN_SERVICE = "a service of our own";

export type Unavailable = Extract<Availability, { usable: false }>;

/** @param address the one place to look at; else all known ones */
export async function locateEngine(dialect: Dialect, host: Host, address?: string, signal?: AbortSignal): Promise<Engine | Unavailable> {
	const candidates =
		address === undefined
			? await listCandidates(dialect.strategies, host)
			: [{ source: "the given endpoint", endpoint: parseEndpoint(address) }];
	const { found, ...rest } = await discoverEngine(candidates, dialect.name, signal);
	if (found) return new Engine(dialect, found.endpoint, found.version, host.platform);
	const tried = "tried" in rest ? [...rest.tried] : [];
	if ("silent" in rest && rest.silent) return explainSilence(dialect, host, tried);
	if (address === undefined && dialect.startEngine !== undefined) {
		const { startEngine } = dialect;
		try {
			const endpoint = await startEngine(host, signal);
			if (endpoint !== undefined) {
				const answer = await discoverEngine([{ source: "known socket", endpoint }], dialect.name, signal);
				if (answer.found) return new Engine(dialect, endpoint, answer.found.version, host.platform, () => startEngine(host));
				tried.push(...("tried" in answer ? answer.tried : []));
			}
		} catch (error) {
			signal?.throwIfAborted();
			tried.push({ endpoint: OWN_SERVICE, reason: (error as Error).message });
		}
	}
	return explainAbsence(dialect, host, tried);
}

/** Whether it would be found as well if the user named none. */
export async function isUsualEngine({ dialect, endpoint }: Engine, host: Host, signal?: AbortSignal): Promise<boolean> {
	const places = (await Promise.all(dialect.strategies.map((strategy) => strategy(host)))).flat();
	const isIt = (place: Candidate) => !(place.endpoint instanceof Error) && describeEndpoint(place.endpoint) === describeEndpoint(endpoint);
	if (!places.some((place) => place.named !== undefined && isIt(place))) return true;
	const unnamed = places.filter(({ named }) => named === undefined);
	const { found } = await discoverEngine(unnamed, dialect.name, signal);
	return found !== undefined && isIt(found);
}

function explainSilence(dialect: Dialect, host: Host, tried: readonly Tried[]): Unavailable {
	const { product, startHint } = dialect;
	const { endpoint, reason } = tried.at(-1) as Tried;
	if (reason === NOT_PERMITTED) return explainAbsence(dialect, host, tried);
	return {
		usable: false,
		reason: `${product} does not answer: ${endpoint}: ${reason}`,
		hint: `${startHint(host)} It is named, so no other place was looked at: name another one, or none.`,
		tried,
	};
}

/** The most telling failure first: a service that did not start, a socket that may not be opened, one without a listener, none at all. */
export function explainAbsence(dialect: Dialect, host: Host, tried: readonly Tried[]): Unavailable {
	const { product } = dialect;
	const own = tried.find(({ endpoint }) => endpoint === OWN_SERVICE);
	if (own) return { usable: false, reason: own.reason, hint: dialect.startHint(host), tried };
	// What is wrong at the other engine's places is the other's business.
	const foreign = dialect.name === "docker" ? /podman/i : /docker/i;
	const worth = tried.filter(({ endpoint, reason }) => reason !== NO_SOCKET && !foreign.test(endpoint));
	const denied = worth.find(({ reason }) => reason === NOT_PERMITTED);
	if (denied) {
		return {
			usable: false,
			reason: `${product}'s socket ${denied.endpoint} may not be opened by this user`,
			hint: `Add the user to the group that owns it (\`sudo usermod -aG docker $USER\`, then log in again), or use rootless ${product}.`,
			tried,
		};
	}
	const program = findProgram(dialect.name, host);
	const refused = worth.find(({ reason }) => reason === NOBODY_LISTENS) ?? worth[0];
	if (refused === undefined && program === undefined) {
		return {
			usable: false,
			reason: `${product} is not installed: none of its ${tried.length} known sockets exists`,
			hint: dialect.installHint,
			tried,
		};
	}
	const reason = refused
		? `${product} does not answer: ${refused.endpoint}: ${refused.reason}`
		: `${product} is installed (${program}) but not running`;
	return { usable: false, reason, hint: dialect.startHint(host), tried };
}
