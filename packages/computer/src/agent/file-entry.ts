import { count, type Json, oneOf, text, whole } from "./shapes.js";

export interface FileEntry {
	/** The last part of the path; U+FFFD where it is not UTF-8. From the guest: never use it as a path on the host unchecked. */
	readonly name: string;
	readonly path: string;
	/** The name's bytes, where it is not UTF-8. */
	readonly nameBytes?: Uint8Array;
	readonly type: "file" | "directory" | "symlink" | "fifo" | "socket" | "device";
	readonly size: number;
	/** Permission bits with setuid, setgid and sticky. */
	readonly mode: number;
	/** Unix time in ms. */
	readonly mtimeMs: number;
	readonly uid: number;
	readonly gid: number;
	/** Of a symlink. */
	readonly target?: string;
}

export function fileEntry(json: Json): FileEntry {
	return {
		name: text(json, "name"),
		path: text(json, "path"),
		...(json["nameBase64"] !== undefined && { nameBytes: Buffer.from(text(json, "nameBase64"), "base64") }),
		type: oneOf(json, "type", ["file", "directory", "symlink", "fifo", "socket", "device"]),
		size: count(json, "size"),
		mode: count(json, "mode"),
		mtimeMs: whole(json, "mtimeMs"),
		uid: count(json, "uid"),
		gid: count(json, "gid"),
		...(json["target"] !== undefined && { target: text(json, "target") }),
	};
}
