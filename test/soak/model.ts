/** What must hold: for every file the contents that it may have now. One that was acknowledged with nothing in its way is the only one. */
import { createHash } from "node:crypto";

/** A content is its pieces, `token:size` joined by a space; no piece is an empty file. */
export type Content = string;
export const ABSENT: Content = "absent";

/** The same in hand.mjs. */
export function bytesOf(content: Content): Buffer {
	return Buffer.concat(
		content
			.split(" ")
			.filter((piece) => piece !== "")
			.map((piece) => {
				const [token = "", size] = piece.split(":");
				return Buffer.alloc(Number(size), `${token}\n`);
			}),
	);
}

const hashes = new Map<Content, string>();

export function hashOf(content: Content): string {
	if (content === ABSENT) return ABSENT;
	let hash = hashes.get(content);
	if (hash === undefined) {
		hash = createHash("sha256").update(bytesOf(content)).digest("hex");
		if (hashes.size > 10_000) hashes.clear();
		hashes.set(content, hash);
	}
	return hash;
}

export class FileCell {
	#possible: Set<Content> = new Set([ABSENT]);
	readonly #watchers = new Set<(content: Content) => void>();
	/** Counts every beginning and end of a change by its owner. */
	touched = 0;

	get possible(): readonly Content[] {
		return [...this.#possible];
	}

	widen(contents: Iterable<Content>): void {
		for (const content of contents) {
			this.#possible.add(content);
			for (const tell of this.#watchers) tell(content);
		}
	}

	settle(contents: Iterable<Content>): void {
		this.#possible = new Set(contents);
		for (const tell of this.#watchers) for (const content of this.#possible) tell(content);
	}

	/** All that it may have been from now until `stop`; a copy that is made of it meanwhile may be the same. */
	watch(copy?: FileCell): { readonly seen: ReadonlySet<Content>; stop(): void } {
		const seen = new Set<Content>();
		const tell = (content: Content) => {
			if (seen.has(content)) return;
			seen.add(content);
			copy?.widen([content]);
		};
		for (const content of this.#possible) tell(content);
		this.#watchers.add(tell);
		return { seen, stop: () => this.#watchers.delete(tell) };
	}
}

/** The files of a checkpoint, by path: what each may be in it. */
export type Snapshot = ReadonlyMap<string, ReadonlySet<Content>>;

export interface KnownCheckpoint {
	readonly id: string;
	readonly snapshot: Snapshot;
	/** What each call that names it may answer. */
	readonly calls: string[][];
}

export interface KnownJob {
	readonly id: string;
	readonly lane: number;
	readonly generation: number;
	readonly stdout: string;
	readonly exitCode: number;
}

export class ModelComputer {
	readonly name: string;
	readonly files: ReadonlyMap<string, FileCell>;
	checkpoints: KnownCheckpoint[] = [];
	/** Begun since the oldest known one: past ten of them the product lets the oldest go. */
	checkpointsBegun = 0;
	jobs: KnownJob[] = [];
	/** Every id that was told to be killed. A machine that has started anew counts from 1 again: it may be another command's by then. */
	readonly killed = new Set<string>();
	/** One more whenever shells and jobs may have ended. */
	generation = 0;
	/** Undefined: it may be there or not. */
	there: boolean | undefined = false;
	/** Operations that change every file or the machine itself: how many go on, and a count of every beginning and end. */
	upheavals = 0;
	upheaved = 0;

	constructor(name: string, paths: readonly string[]) {
		this.name = name;
		this.files = new Map(paths.map((path) => [path, new FileCell()]));
	}

	file(path: string): FileCell {
		const cell = this.files.get(path);
		if (cell === undefined) throw new Error(`no file ${path} in the model`);
		return cell;
	}

	/** Calls for the end: was nothing going on that changes all? */
	calm(): () => boolean {
		const { upheavals, upheaved } = this;
		return () => upheavals === 0 && this.upheavals === 0 && this.upheaved === upheaved;
	}

	/** What a copy of all files that is taken between now and the answer's call may hold. */
	snapshot(into?: ModelComputer): () => Snapshot {
		const watches = [...this.files].map(([path, cell]) => [path, cell.watch(into?.file(path))] as const);
		return () => {
			for (const [, watch] of watches) watch.stop();
			return new Map(watches.map(([path, watch]) => [path, watch.seen]));
		};
	}

	/** Before an upheaval that gives every file a content of `snapshot`, or none. The answer is called when that was acknowledged: true if nothing was in its way. */
	replacing(): (snapshot: Snapshot) => boolean {
		const calm = this.calm();
		const { upheaved } = this;
		const touched = new Map([...this.files].map(([path, cell]) => [path, cell.touched]));
		return (snapshot) => {
			// Its own beginning is counted too.
			const alone = calm() || (this.upheavals === 1 && this.upheaved === upheaved + 1);
			if (!alone) return false;
			for (const [path, cell] of this.files) {
				if (cell.touched === touched.get(path) && cell.touched % 2 === 0) cell.settle(snapshot.get(path) ?? [ABSENT]);
			}
			return true;
		};
	}

	/** Every file may have that content from now on. */
	mayBe(snapshot: Snapshot): void {
		for (const [path, cell] of this.files) cell.widen(snapshot.get(path) ?? [ABSENT]);
	}

	beginUpheaval(): () => void {
		this.upheavals++;
		this.upheaved++;
		this.generation++;
		this.there = undefined;
		return () => {
			this.upheavals--;
			this.upheaved++;
			this.generation++;
		};
	}
}
