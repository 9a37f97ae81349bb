/** What going in and coming out have in common. */
import { resolve } from "node:path";
import type { Abortable } from "../driver.js";
import { ComputerError, codeOfSystem } from "../errors/index.js";
import { expectText, refuse } from "../expect.js";

export interface TransferProgress {
	/** Files, folders and symlinks so far. */
	readonly entries: number;
	/** Of their content. */
	readonly bytes: number;
}

export interface TransferOptions extends Abortable {
	/** At most ten times a second, and once in the end. */
	readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
	/** More is `too_large`, and nothing has changed. Default 1,000,000. */
	readonly maxEntries?: number | undefined;
	/** Of content, the holes of sparse files counted. More is `too_large`, and nothing has changed. Default 16 GiB. */
	readonly maxBytes?: number | undefined;
}

export interface UploadOptions extends TransferOptions {
	/** True leaves an entry of the folder out, with all that is in it. The path is relative, with `/`. */
	readonly ignore?: ((path: string, isDirectory: boolean) => boolean) | undefined;
}

export interface TransferResult extends TransferProgress {
	/**
	 * What was left out since it is neither file, folder nor symlink, or could not be read, or leads out of the folder, or can not
	 * be had on this host, by its name or as a symlink: the first 1,000.
	 */
	readonly skipped: readonly string[];
}

export const MAX_ENTRIES = 1_000_000;
export const MAX_BYTES = 16 * 1024 ** 3;
const MAX_SKIPPED = 1_000;
const PROGRESS_MS = 100;

/** As a whole path. An empty one would be the process' directory, with all that is in it. */
export function expectHostPath(value: unknown): string {
	const path = expectText("hostPath", value);
	return path === "" ? refuse("hostPath", "a path", path) : resolve(path);
}

/** Counts, tells, and stops at the bounds. */
export class Tally {
	entries = 0;
	bytes = 0;
	readonly skipped: string[] = [];
	readonly #options: TransferOptions;
	#told = performance.now();

	constructor(options: TransferOptions) {
		this.#options = options;
	}

	/** One more, of that content. Before it is moved. */
	entry(bytes: number): void {
		this.entries++;
		const { maxEntries = MAX_ENTRIES, maxBytes = MAX_BYTES } = this.#options;
		if (this.entries > maxEntries) throw tooLarge(`at most ${maxEntries} entries`);
		if (bytes > maxBytes - this.bytes) throw tooLarge(`at most ${maxBytes} bytes of content`);
		this.bytes += bytes;
		if (performance.now() - this.#told > PROGRESS_MS) this.#tell();
	}

	skip(path: string): void {
		if (this.skipped.length < MAX_SKIPPED) this.skipped.push(path);
	}

	done(): TransferResult {
		this.#tell();
		return { entries: this.entries, bytes: this.bytes, skipped: this.skipped };
	}

	#tell(): void {
		this.#told = performance.now();
		this.#options.onProgress?.({ entries: this.entries, bytes: this.bytes });
	}
}

function tooLarge(expected: string): ComputerError {
	return new ComputerError("too_large", `expected ${expected} to move, got more`, {
		hint: "Move a part of it, or raise maxEntries or maxBytes.",
	});
}

/** A failure of the host's own file system, as ours. What a callback throws stays what it is. */
export function hostError(error: unknown, path: string): unknown {
	if (error instanceof ComputerError) return error;
	const { code } = (error ?? {}) as NodeJS.ErrnoException;
	if (code === undefined) return error;
	return new ComputerError(codeOfSystem(error) ?? "internal", `${JSON.stringify(path)} on this host: ${code}`, { cause: error });
}
