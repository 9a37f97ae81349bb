/** The allow-list: which rule lets a client to a place. Pure. */
import { refuse } from "../expect.js";
import { BOUNDS } from "../limits.js";
import { type Address, inNetwork, isMetadata, placeOf, sameAddress, showAddress } from "./address.js";
import { type Host, readHost } from "./host.js";

/** Inside the machine, this host itself: 127.0.0.1 of where the rules are. */
export const HOST_ALIAS = "host.lms-computer.internal";

const LOOPBACK: readonly Address[] = [
	[127, 0, 0, 1],
	[...Array<number>(15).fill(0), 1],
];

/** Where a rule names no port. */
const WEB_PORTS: readonly number[] = [80, 443];

export interface Rule {
	/** As it is shown and kept: `*.example.org:443`. */
	readonly text: string;
	/** Undefined: 80 and 443. */
	readonly port: number | "*" | undefined;
	readonly to:
		| { readonly kind: "name"; readonly name: string }
		| { readonly kind: "below"; readonly name: string }
		| { readonly kind: "network"; readonly address: Address; readonly bits: number }
		| { readonly kind: "anywhere" };
}

const SHAPE = "a rule such as api.example.com, *.example.org, github.com:443, example.org:*, 10.0.0.5:8080, 10.0.0.0/8 or [::1]:80";

export function readRule(what: string, given: unknown): Rule {
	if (typeof given !== "string" || given.length > BOUNDS.ruleLength) return refuse(what, SHAPE, given);
	const [, where = "", portText] = /^(\[[^\]]+\](?:\/\d{1,3})?|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(given.trim()) ?? [];
	const to = readPlace(where);
	const port = portText === undefined || portText === "*" ? portText : Number(portText);
	if (to === undefined || port === 0 || (typeof port === "number" && port > 65_535)) return refuse(what, SHAPE, given);
	return { text: port === undefined ? showPlace(to) : `${showPlace(to)}:${port}`, port, to };
}

function readPlace(where: string): Rule["to"] | undefined {
	if (where === "*") return { kind: "anywhere" };
	const [, network = "", length = ""] = /^(.+)\/(\d{1,3})$/.exec(where) ?? [];
	if (network !== "") {
		const host = readHost(network);
		const bits = Number(length);
		return host?.address === undefined || bits > 8 * host.address.length ? undefined : { kind: "network", address: host.address, bits };
	}
	const below = where.startsWith("*.");
	const host = readHost(below ? where.slice(2) : where);
	if (host === undefined) return undefined;
	if (host.address === undefined) return { kind: below ? "below" : "name", name: host.text };
	return below ? undefined : { kind: "network", address: host.address, bits: 8 * host.address.length };
}

function showPlace(to: Rule["to"]): string {
	if (to.kind === "anywhere") return "*";
	if (to.kind !== "network") return to.kind === "below" ? `*.${to.name}` : to.name;
	const text = to.address.length === 16 ? `[${showAddress(to.address)}]` : showAddress(to.address);
	return to.bits === 8 * to.address.length ? text : `${text}/${to.bits}`;
}

export function expectRules(what: string, value: unknown): readonly Rule[] {
	if (!Array.isArray(value)) return refuse(what, "a list of rules", value);
	if (value.length > BOUNDS.rules) refuse(what, `${BOUNDS.rules} rules at most`, value.length);
	const rules = value.map((one: unknown) => readRule(`a rule of ${what}`, one));
	return rules.filter((rule, index) => rules.findIndex(({ text }) => text === rule.text) === index);
}

/** The rule that lets a client ask for that place. Where a name leads is a second question. */
export function ruleFor(rules: readonly Rule[], host: Host, port: number): Rule | undefined {
	return rules.find((rule) => {
		if (!opensPort(rule, port)) return false;
		const { to } = rule;
		if (host.address !== undefined)
			return to.kind === "network" ? names(to, host.address) : to.kind === "anywhere" && isPublic(host.address);
		if (to.kind === "name") return to.name === host.text;
		return to.kind === "below" ? host.text.endsWith(`.${to.name}`) : to.kind === "anywhere";
	});
}

/** Whether a name that a rule allows may lead to this address: a public one, or one that some rule names itself. */
export function mayLeadTo(rules: readonly Rule[], host: Host, address: Address, port: number): boolean {
	if (isPublic(address)) return true;
	// These two names are the loopback by definition: a rule that has one means it.
	const namesLoopback = host.text === "localhost" || host.text === HOST_ALIAS;
	if (namesLoopback && LOOPBACK.some((one) => sameAddress(one, address))) {
		return rules.some(({ to, ...rule }) => to.kind === "name" && to.name === host.text && opensPort({ ...rule, to }, port));
	}
	return rules.some((rule) => opensPort(rule, port) && rule.to.kind === "network" && names(rule.to, address));
}

/** Addresses to dial without asking a resolver. */
export function fixedAddresses(host: Host): readonly Address[] | undefined {
	if (host.address !== undefined) return [host.address];
	return host.text === HOST_ALIAS ? LOOPBACK : undefined;
}

function isPublic(address: Address): boolean {
	return placeOf(address) === "public";
}

function names(network: { readonly address: Address; readonly bits: number }, address: Address): boolean {
	// Credentials are not given away by the way.
	if (isMetadata(address) && network.bits < 8 * address.length) return false;
	return inNetwork(address, network.address, network.bits);
}

function opensPort({ port }: Rule, asked: number): boolean {
	return port === "*" || (port === undefined ? WEB_PORTS.includes(asked) : port === asked);
}
