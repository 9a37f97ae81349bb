/** Names of what is in the computer: `computer://file/home/user/a.txt`, `computer://job/3/stdout`. A name is no right: whoever may call tools may read them. */

export interface FileUri {
	readonly kind: "file";
	/** Absolute, or from the home with `~`. */
	readonly path: string;
}

export interface JobUri {
	readonly kind: "job";
	readonly id: string;
	readonly stream: Stream;
}

export const STREAMS = ["stdout", "stderr"] as const;
export type Stream = (typeof STREAMS)[number];

/** Undefined: not one of ours. */
export function parseUri(uri: string): FileUri | JobUri | undefined {
	const [, kind, rest = ""] = /^computer:\/\/(file|job)\/(.+)$/s.exec(uri) ?? [];
	const parts = decoded(rest);
	if (kind === "file" && parts !== undefined) return { kind, path: parts[0] === "~" ? parts.join("/") : `/${parts.join("/")}` };
	const [id = "", stream, ...more] = parts ?? [];
	const known = STREAMS.find((name) => name === stream);
	return kind === "job" && known !== undefined && more.length === 0 ? { kind, id, stream: known } : undefined;
}

/** Of an absolute path, or one from the home with `~`. */
export function fileUri(path: string): string {
	return `computer://file/${path.split("/").filter(Boolean).map(encodeURIComponent).join("/")}`;
}

export function jobUri(id: string, stream: Stream): string {
	return `computer://job/${encodeURIComponent(id)}/${stream}`;
}

function decoded(path: string): string[] | undefined {
	try {
		return path.split("/").filter(Boolean).map(decodeURIComponent);
	} catch {
		return undefined;
	}
}
