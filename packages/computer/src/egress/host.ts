/** What a client asked to reach, in one form: a name in lower case and ASCII, or an address. Pure. */
import { domainToASCII } from "node:url";
import { type Address, parseAddress, showAddress } from "./address.js";

export interface Host {
	/** The name, or the address as text. */
	readonly text: string;
	/** Undefined for a name. */
	readonly address: Address | undefined;
}

const MAX_NAME = 253;
/** Underscores are in use, though not in host names proper. */
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Undefined for what is neither a name nor an address in its plain form. A single dot at the end is no difference. */
export function readHost(given: string): Host | undefined {
	const bare = given.startsWith("[") && given.endsWith("]") ? given.slice(1, -1) : given;
	const address = parseAddress(bare);
	if (address !== undefined) return { text: showAddress(address), address };
	if (bare !== given) return undefined;
	const text = (/^[\x21-\x7e]+$/.test(given) ? given.toLowerCase() : domainToASCII(given)).replace(/\.$/, "");
	const labels = text.split(".");
	if (text.length > MAX_NAME || !labels.every((label) => LABEL.test(label))) return undefined;
	// What a resolver would take for a number is an address in disguise: 127.1, 2130706433, 0x7f.1, 1.2.3.08.
	if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) as string)) return undefined;
	// Punycode that does not decode, or that IDNA writes otherwise, is nobody's name.
	if (labels.some((label) => label.startsWith("xn--")) && domainToASCII(text) !== text) return undefined;
	return { text, address: undefined };
}

/** HOST:PORT as people read it. */
export function showTarget(host: string, port: number): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** HOST[:PORT] of a Host header or an URL. Undefined for anything else. */
export function readAuthority(text: string, fallbackPort: number): { readonly host: Host; readonly port: number } | undefined {
	const [, name = "", digits] = /^(\[[^\]]*\]|[^:[\]@/?#\\\s]+)(?::(\d{0,5}))?$/.exec(text) ?? [];
	const host = readHost(name);
	const port = digits ? Number(digits) : fallbackPort;
	return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}
