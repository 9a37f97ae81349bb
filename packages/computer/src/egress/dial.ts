/** From a name to a connection: looked up once, and dialed at the addresses that were checked. */
import { promises as dns } from "node:dns";
import { connect, type Socket } from "node:net";
import { type Address, parseAddress, placeOf, sameAddress, showAddress } from "./address.js";
import { type Host, showTarget } from "./host.js";
import { fixedAddresses, mayLeadTo, type Rule } from "./rules.js";

/** Why there is no connection. `forbidden` is our decision, the rest is how the network is. */
export class DialError extends Error {
	readonly forbidden: boolean;

	constructor(message: string, forbidden: boolean) {
		super(message);
		this.forbidden = forbidden;
	}
}

/** For tests of names that change where they lead. */
export type Lookup = (name: string) => Promise<readonly string[]>;

const LOOKUP_MS = 15_000;
/** For a connection, and again for its TLS where a secret goes along. */
export const CONNECT_MS = 20_000;
/** More are never tried. */
const MAX_ADDRESSES = 16;

const systemLookup: Lookup = async (name) => (await dns.lookup(name, { all: true })).map(({ address }) => address);

export async function dial(rules: readonly Rule[], host: Host, port: number, lookup: Lookup = systemLookup): Promise<Socket> {
	const addresses = await checkedAddresses(rules, host, port, lookup);
	return await connectTo(host, port, addresses);
}

async function checkedAddresses(rules: readonly Rule[], host: Host, port: number, lookup: Lookup): Promise<readonly Address[]> {
	const found = fixedAddresses(host) ?? (await resolve(host.text, lookup));
	const allowed = found.filter((address) => mayLeadTo(rules, host, address, port));
	const [first] = found;
	if (allowed.length > 0 || first === undefined) return allowed.slice(0, MAX_ADDRESSES);
	const where = `${showAddress(first)}, a ${placeOf(first)} address`;
	throw new DialError(`${host.text} leads to ${where}, which only a rule of its own opens: ${showTarget(showAddress(first), port)}`, true);
}

async function resolve(name: string, lookup: Lookup): Promise<readonly Address[]> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new DialError(`the name ${name} was not found in time`, false)), LOOKUP_MS);
	});
	try {
		const found = await Promise.race([lookup(name), late]);
		return found.map(parseAddress).filter((address) => address !== undefined);
	} catch (error) {
		if (error instanceof DialError) throw error;
		throw new DialError(`the name ${name} is not known (${(error as NodeJS.ErrnoException).code ?? "no answer"})`, false);
	} finally {
		clearTimeout(timer);
	}
}

/** The one name, every checked address: Node tries them in turn. It never asks a resolver again. */
function connectTo(host: Host, port: number, addresses: readonly Address[]): Promise<Socket> {
	const pinned = addresses.map((address) => ({ address: showAddress(address), family: address.length === 4 ? 4 : 6 }));
	if (pinned.length === 0) throw new DialError(`the name ${host.text} has no address`, false);
	return new Promise((resolve, reject) => {
		const socket = connect({
			// Not the name itself: Node takes an address without asking `lookup`.
			host: "pinned.invalid",
			port,
			noDelay: true,
			allowHalfOpen: true,
			autoSelectFamily: pinned.length > 1,
			lookup: (_name, { all }, done) => {
				const [first] = pinned;
				if (all) (done as (error: null, all: object[]) => void)(null, pinned);
				else done(null, first?.address as string, first?.family);
			},
		});
		// HTTP, TLS and the pipes will each listen for its end.
		socket.setMaxListeners(40);
		const fail = (reason: string) => {
			socket.destroy();
			reject(new DialError(`no connection to ${showTarget(host.text, port)}: ${reason}`, false));
		};
		const timer = setTimeout(() => fail("no answer in time"), CONNECT_MS);
		socket.once("error", (error: NodeJS.ErrnoException) => {
			clearTimeout(timer);
			fail(error.code ?? error.message);
		});
		socket.once("connect", () => {
			clearTimeout(timer);
			socket.removeAllListeners("error");
			socket.on("error", () => {});
			const there = parseAddress(socket.remoteAddress ?? "");
			if (there !== undefined && addresses.some((address) => sameAddress(address, there))) resolve(socket);
			else fail("it led elsewhere");
		});
	});
}
