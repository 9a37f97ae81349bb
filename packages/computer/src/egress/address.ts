/** IP addresses: which text is one, and what kind of place it leads to. Pure. */
import { isIPv4, isIPv6 } from "node:net";

/** `public` is the only kind that a name may lead to by itself. */
export type Place = "public" | "loopback" | "private" | "link-local" | "shared" | "multicast" | "reserved";

/** 4 or 16 numbers. An IPv4 address that is wrapped in an IPv6 one, in any of the ways that a kernel or a gateway unwraps, is the IPv4 address. */
export type Address = readonly number[];

/** Only the plain forms: four decimal numbers, or IPv6 without a zone. `0x7f.1`, `2130706433` and `fe80::1%eth0` are none. */
export function parseAddress(text: string): Address | undefined {
	if (isIPv4(text)) return text.split(".").map(Number);
	if (!isIPv6(text) || text.includes("%")) return undefined;
	return unwrap(bytesOf(text));
}

export function sameAddress(a: Address, b: Address): boolean {
	return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** The first `bits` of both are alike. */
export function inNetwork(address: Address, network: Address, bits: number): boolean {
	if (address.length !== network.length) return false;
	return address.every((byte, index) => {
		const left = Math.min(8, Math.max(0, bits - 8 * index));
		const mask = (0xff << (8 - left)) & 0xff;
		return (byte & mask) === ((network[index] as number) & mask);
	});
}

/** As people write it, and as a socket takes it. */
export function showAddress(address: Address): string {
	if (address.length === 4) return address.join(".");
	const groups = Array.from({ length: 8 }, (_, index) => ((address[2 * index] as number) << 8) | (address[2 * index + 1] as number));
	// The URL parser writes IPv6 in the one canonical way.
	return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

/** IANA's registries of special-purpose addresses; what is only for documentation leads nowhere and is left as it is. */
const PLACES: readonly (readonly [network: string, bits: number, place: Place])[] = [
	["0.0.0.0", 8, "reserved"],
	["10.0.0.0", 8, "private"],
	["100.64.0.0", 10, "shared"],
	["127.0.0.0", 8, "loopback"],
	["169.254.0.0", 16, "link-local"],
	["172.16.0.0", 12, "private"],
	["192.0.0.0", 24, "reserved"],
	["192.88.99.0", 24, "reserved"],
	["192.168.0.0", 16, "private"],
	["198.18.0.0", 15, "reserved"],
	["224.0.0.0", 4, "multicast"],
	["240.0.0.0", 4, "reserved"],
	["::1", 128, "loopback"],
	["fc00::", 7, "private"],
	["fe80::", 10, "link-local"],
	["fec0::", 10, "private"],
	["ff00::", 8, "multicast"],
	// Local NAT64, discard, benchmarks, ORCHID and Teredo, whose far end is written into the address.
	["64:ff9b:1::", 48, "private"],
	["2001::", 23, "reserved"],
];

/** Addresses of clouds' metadata services that are not link-local. */
const METADATA: readonly string[] = ["100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"];

/** Made when something is first decided: most processes decide nothing. */
let networks: readonly (readonly [Address, number, Place])[] | undefined;
let metadata: readonly Address[] | undefined;

export function placeOf(address: Address): Place {
	if (isMetadata(address)) return "link-local";
	networks ??= PLACES.map(([network, bits, place]) => [bytesOf(network), bits, place]);
	for (const [network, bits, place] of networks) if (inNetwork(address, network, bits)) return place;
	// Nothing but 2000::/3 has been given out.
	return address.length === 4 || ((address[0] as number) & 0xe0) === 0x20 ? "public" : "reserved";
}

/** Hands out the credentials of the host's own machine: only a rule that names it exactly opens it, no network around it. */
export function isMetadata(address: Address): boolean {
	metadata ??= METADATA.map(bytesOf);
	return metadata.some((one) => sameAddress(one, address)) || (address.length === 4 && address[0] === 169 && address[1] === 254);
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const NAT64 = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
const TRANSLATED = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];

/** ::ffff:a.b.c.d, ::ffff:0:a.b.c.d, 64:ff9b::a.b.c.d, ::a.b.c.d and 6to4. */
function unwrap(bytes: Address): Address {
	const begins = (prefix: readonly number[]) => prefix.every((byte, index) => bytes[index] === byte);
	if (begins(MAPPED) || begins(NAT64) || begins(TRANSLATED)) return bytes.slice(12);
	if (bytes[0] === 0x20 && bytes[1] === 0x02) return bytes.slice(2, 6);
	const low = bytes.slice(12);
	if (bytes.slice(0, 12).every((byte) => byte === 0) && !(low[0] === 0 && low[1] === 0 && low[2] === 0 && low[3] === 1)) return low;
	return bytes;
}

function bytesOf(text: string): Address {
	if (isIPv4(text)) return text.split(".").map(Number);
	const hostname = new URL(`http://[${text}]`).hostname.slice(1, -1);
	const [before = "", after] = hostname.split("::");
	const groups = (part: string | undefined) => (part ? part.split(":").map((group) => Number.parseInt(group, 16)) : []);
	const [left, right] = [groups(before), groups(after)];
	const all = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
	return all.flatMap((group) => [group >> 8, group & 0xff]);
}
