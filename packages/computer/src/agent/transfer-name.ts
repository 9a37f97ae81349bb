/** Names from a guest that are to become names on this host. */
import { broken } from "./shapes.js";

const MAX_PATH_BYTES = 4000;
const MAX_NAME_BYTES = 255;
const MAX_DEPTH = 200;
/** Not to be had on Windows, or with a meaning of their own there. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it finds
const WINDOWS_NAME = /[<>:"|?*\\\u0000-\u001f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** The parts of a relative name, none of which leads anywhere but down; empty for the folder itself. Throws protocol_error: our agent sends no other. */
export function nameParts(name: Buffer): Buffer[] {
	const refused = (why: string) =>
		broken(`the archive from the machine has a name that ${why}: ${JSON.stringify(name.toString("utf8").slice(0, 200))}`);
	if (name.length === 0) throw refused("is empty");
	if (name.length > MAX_PATH_BYTES) throw refused("is too long");
	if (name.includes(0)) throw refused("has NUL in it");
	if (name[0] === 0x2f) throw refused("is absolute");
	const parts: Buffer[] = [];
	for (let at = 0; at <= name.length; ) {
		const slash = name.indexOf(0x2f, at);
		const end = slash < 0 ? name.length : slash;
		const part = name.subarray(at, end);
		at = end + 1;
		const text = part.toString("latin1");
		if (text === "" || text === ".") continue;
		if (text === "..") throw refused("leads out of the folder");
		if (part.length > MAX_NAME_BYTES) throw refused("has a part that is too long");
		parts.push(part);
	}
	if (parts.length > MAX_DEPTH) throw refused("is too deep");
	return parts;
}

/** Whether this host can have something of that name. */
export function fitsHost(parts: readonly Buffer[], windows = process.platform === "win32"): boolean {
	return !windows || !parts.some((part) => WINDOWS_NAME.test(part.toString("utf8")));
}

/**
 * Whether a symlink in a folder that deep stays inside, whatever other such symlinks there are: `..` only at the beginning, where the folders above
 * are known to be none.
 */
export function staysInside(target: Buffer, depth: number, windows = process.platform === "win32"): boolean {
	const text = target.toString("latin1");
	if (text === "" || text.startsWith("/") || text.includes("\0") || (windows && /[\\:]/.test(text))) return false;
	let up = 0;
	let down = false;
	for (const part of text.split("/")) {
		if (part === "" || part === ".") continue;
		if (part !== "..") down = true;
		else if (down) return false;
		else up++;
	}
	return up <= depth;
}
