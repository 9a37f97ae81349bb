/** What differs between two machines' files, told by their agents: of what is the same for certain no byte is read. */
import { ComputerError } from "../errors/index.js";
import { BOUNDS } from "../limits.js";
import { Bytes } from "./answer.js";
import type { Connection } from "./connection.js";
import { plainStream } from "./plain-stream.js";
import { broken } from "./shapes.js";

/** Absolute paths, sorted. U+FFFD stands for what is not UTF-8 in a name. */
export interface Changes {
	readonly added: readonly string[];
	/** Another kind, content, target, owner or mode. Times do not count. */
	readonly changed: readonly string[];
	readonly deleted: readonly string[];
}

interface Entry {
	/** What must be equal. */
	readonly facts: string;
	/** Equal on both sides: nothing was written to it since. Empty where there is no content. */
	readonly stamp: string;
}

/** Paths are kept as Latin-1: one character for each byte. */
type Tree = ReadonlyMap<string, Entry>;

/** Paths asked for in one request: their hashes are well within the bound of an answer. */
const HASHES_AT_ONCE = 20_000;

/** As long as any path of the agent's. */
const FIELD_BYTES = 1024 * 1024;
/** From `then` to `now`. */
export async function compareTrees(then: Connection, now: Connection, signal?: AbortSignal): Promise<Changes> {
	const [before, after] = await Promise.all([readTree(then, signal), readTree(now, signal)]);
	const added = [...after.keys()].filter((path) => !before.has(path));
	const deleted: string[] = [];
	const changed: string[] = [];
	const doubtful: string[] = [];
	for (const [path, was] of before) {
		const is = after.get(path);
		if (is === undefined) deleted.push(path);
		else if (is.facts !== was.facts) changed.push(path);
		else if (is.stamp !== was.stamp) doubtful.push(path);
	}
	const [hashesThen, hashesNow] = await Promise.all([readHashes(then, doubtful, signal), readHashes(now, doubtful, signal)]);
	const written = doubtful.filter((_, index) => hashesThen[index] !== hashesNow[index]);
	return { added: toText(added), changed: toText(changed.concat(written)), deleted: toText(deleted) };
}

async function readTree(connection: Connection, signal: AbortSignal | undefined): Promise<Tree> {
	const tree = new Map<string, Entry>();
	const { stream } = await connection.open("GET", "/v1/tree", signal);
	let fields: string[] = [];
	let rest = new Bytes(FIELD_BYTES);
	let length = 0;
	// Leaving the loop early lets go of the request.
	for await (const chunk of plainStream(stream, { signal, writable: false }) as AsyncIterable<Buffer>) {
		length += chunk.length;
		if (length > BOUNDS.treeBytes || tree.size > BOUNDS.treeFiles) {
			const bounds = `${BOUNDS.treeFiles} files, listed in ${BOUNDS.treeBytes} bytes`;
			throw new ComputerError("too_large", `expected a machine of at most ${bounds}, this one has more`);
		}
		// What comes piece by piece is joined once it is whole: joining it with each piece would take the square of the time.
		const last = chunk.lastIndexOf(0);
		if (last !== -1) {
			const whole = Buffer.concat([rest.all(), chunk.subarray(0, last)]).toString("latin1");
			fields = fields.concat(whole.split("\0"));
			rest = new Bytes(FIELD_BYTES);
		}
		if (!rest.push(chunk.subarray(last + 1))) throw broken(`expected a path of at most ${FIELD_BYTES} bytes from the guest, got more`);
		let at = 0;
		for (; at + 3 <= fields.length; at += 3) {
			tree.set(fields[at + 2] as string, { facts: fields[at] as string, stamp: fields[at + 1] as string });
		}
		fields = fields.slice(at);
	}
	if (rest.size > 0 || fields.length > 0) throw broken("expected whole entries in the guest's list of files");
	return tree;
}

async function readHashes(connection: Connection, paths: readonly string[], signal: AbortSignal | undefined): Promise<readonly string[]> {
	const hashes: string[] = [];
	for (let at = 0; at < paths.length; at += HASHES_AT_ONCE) {
		const some = paths.slice(at, at + HASHES_AT_ONCE);
		const body = Buffer.from(some.map((path) => `${path}\0`).join(""), "latin1");
		const lines = (await connection.send("POST", "/v1/tree/hashes", body, signal)).toString("latin1").split("\n");
		if (lines.pop() !== "" || lines.length !== some.length) throw broken(`expected ${some.length} hashes from the guest`);
		hashes.push(...lines);
	}
	return hashes;
}

function toText(paths: readonly string[]): readonly string[] {
	return paths.map((path) => Buffer.from(path, "latin1").toString("utf8")).sort();
}
