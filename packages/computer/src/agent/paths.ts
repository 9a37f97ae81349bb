/** A caller's path as the guest wants it: absolute, percent-encoded bytes. `..` and symlinks are the guest's kernel's business. */
import { expectWellFormed, refuse } from "../expect.js";
import { GUEST_HOME } from "../limits.js";

/** A path in the guest. Bytes where a name is not UTF-8. Relative ones, `~` and `~/…` begin at the computer's home. */
export type GuestPath = string | Uint8Array;

/** Linux' PATH_MAX less the closing NUL. */
const MAX_PATH_BYTES = 4095;
const PLAIN = /^[A-Za-z0-9_./-]*$/;

export function encodePath(path: GuestPath, what = "path"): string {
	const absolute = typeof path === "string" ? absolutePath(path, what) : resolveBytes(path, what);
	if (typeof absolute === "string" && PLAIN.test(absolute) && absolute.length <= MAX_PATH_BYTES) return absolute;
	const bytes = Buffer.from(absolute as string);
	if (bytes.length > MAX_PATH_BYTES) refuse(what, `at most ${MAX_PATH_BYTES} bytes`, path);
	return percentEncode(bytes);
}

/** The same for a command's directory, as text; relative ones stay so, for the session to resolve. */
export function expandHome(path: string): string {
	return path === "~" || path.startsWith("~/") ? GUEST_HOME + path.slice(1) : path;
}

/** As text, for where only text can go. */
export function absolutePath(path: string, what = "path"): string {
	if (typeof path !== "string") refuse(what, "a string", path);
	if (path === "") refuse(what, "a path", path);
	if (path.includes("\0")) refuse(what, "a path without NUL", path);
	// Encoding one would silently name another file.
	expectWellFormed(what, path, "well-formed Unicode (bytes for any other name)");
	if (path.startsWith("/")) return path;
	const home = expandHome(path);
	return home === path ? `${GUEST_HOME}/${path}` : home;
}

function resolveBytes(path: Uint8Array, what: string): Buffer {
	if (!(path instanceof Uint8Array)) refuse(what, "a string or bytes", path);
	if (path.length === 0) refuse(what, "a path", "");
	if (path.includes(0)) refuse(what, "a path without NUL", "bytes with NUL");
	const bytes = Buffer.from(path.buffer, path.byteOffset, path.length);
	const [first, second] = bytes;
	if (first === 0x2f) return bytes;
	const inHome = first === 0x7e && (second === undefined || second === 0x2f);
	return Buffer.concat([Buffer.from(inHome ? GUEST_HOME : `${GUEST_HOME}/`), inHome ? bytes.subarray(1) : bytes]);
}

function percentEncode(bytes: Buffer): string {
	let encoded = "";
	for (const byte of bytes) {
		const character = String.fromCharCode(byte);
		encoded += PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
	}
	return encoded;
}
