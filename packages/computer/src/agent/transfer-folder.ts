/**
 * A folder of this host that is held open. On Linux everything in it is reached through its descriptor (/proc/self/fd, as openat would), so that
 * a folder shared with a guest cannot be swapped for a symlink between a look and a step. Elsewhere it is a path, looked at before each step.
 *
 * The calls are synchronous: each takes some 10 µs, and ten thousand small files through the thread pool take ten times that.
 */
import { closeSync, constants, type Dirent, existsSync, lstatSync, mkdirSync, openSync, readdirSync, type Stats } from "node:fs";
import { ComputerError } from "../errors/index.js";

const HELD = process.platform === "linux" && existsSync("/proc/self/fd");
const WINDOWS = process.platform === "win32";
const SLASH = Buffer.from("/");
/** Nothing that blocks, and no symlink. Windows has neither flag. */
export const NO_FOLLOW = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class Folder {
	readonly #path: Buffer;
	readonly #descriptor: number | undefined;

	private constructor(path: Buffer, descriptor: number | undefined) {
		this.#path = path;
		this.#descriptor = descriptor;
	}

	/** By a path of the caller's own, symlinks and all. */
	static open(path: string): Folder {
		return Folder.#hold(Buffer.from(path), 0);
	}

	static #hold(path: Buffer, flags: number): Folder {
		if (!HELD) return new Folder(path, undefined);
		const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | flags);
		return new Folder(Buffer.from(`/proc/self/fd/${descriptor}`), descriptor);
	}

	/** A path for one step with what is in it. */
	at(name: Buffer): Buffer | string {
		const path = Buffer.concat([this.#path, SLASH, name]);
		return WINDOWS ? path.toString("utf8") : path;
	}

	/** One in it. A symlink is not one. */
	enter(name: Buffer): Folder {
		const path = this.at(name);
		if (!HELD && !lstatSync(path).isDirectory()) {
			throw new ComputerError("not_a_directory", `expected ${JSON.stringify(name.toString("utf8"))} to be a folder`);
		}
		return Folder.#hold(Buffer.from(path as string), NO_FOLLOW);
	}

	make(name: Buffer, mode: number): Folder {
		mkdirSync(this.at(name), { mode });
		return this.enter(name);
	}

	look(name: Buffer): Stats | undefined {
		return lstatSync(this.at(name), { throwIfNoEntry: false });
	}

	list(): Dirent<Buffer>[] {
		return readdirSync(WINDOWS ? this.#path.toString("utf8") : this.#path, {
			withFileTypes: true,
			encoding: "buffer",
		}) as unknown as Dirent<Buffer>[];
	}

	close(): void {
		if (this.#descriptor !== undefined) closeSync(this.#descriptor);
	}
}
