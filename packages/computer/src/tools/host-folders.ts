/** Which paths of the host a transfer may touch: what the door allowed, and nothing that a symlink leads to elsewhere. */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { ToolFailure } from "./failure.js";

/** A path of the host that stays what it was when it was looked at, as far as this system can hold it. */
export interface Held {
	/** For reading or writing now. */
	readonly path: string;
	/** For people. */
	readonly shown: string;
	/** Of a regular file to read, already open. */
	readonly file: FileHandle | undefined;
	release(): Promise<void>;
}

/** An existing path, its symlinks resolved, inside of what is allowed. */
export async function hostSource(allowed: readonly string[], path: string): Promise<Held> {
	const roots = await realRoots(allowed);
	const real = await realpath(placed(roots, path)).catch(() => undefined);
	// What is outside is not told apart from what is not there.
	if (real === undefined || !inside(roots, real)) throw refused(allowed, path);
	const refusal = () => refused(allowed, path);
	const held = await hold(real, refusal);
	if (held.file !== undefined) return held;
	await held.release();
	// A folder is known by its parent: it itself must not be a symlink when it is read.
	const parent = await hold(dirname(real), refusal);
	return { ...parent, path: join(parent.path, basename(real)), shown: real };
}

/** A path to write, whose folder is there and inside of what is allowed. A symlink in its place is not followed. */
export async function hostDestination(allowed: readonly string[], path: string | undefined, name: string): Promise<Held> {
	const roots = await realRoots(allowed);
	const wanted = placed(roots, path ?? name);
	const asFolder = path !== undefined && (/[/\\]$/.test(path) || (await isFolder(wanted)));
	const full = asFolder ? join(wanted, name) : wanted;
	const folder = await realpath(dirname(full)).catch(() => undefined);
	// A file that is allowed by itself is no folder to write into.
	if (folder === undefined || !inside(roots, folder) || !(await isFolder(folder))) throw refused(allowed, path ?? name);
	const shown = join(folder, basename(full));
	const held = await hold(folder, () => refused(allowed, path ?? name));
	const target = join(held.path, basename(full));
	if (!(await lstat(target).catch(() => undefined))?.isSymbolicLink()) return { ...held, path: target, shown };
	await held.release();
	throw refused(allowed, path ?? name);
}

/**
 * Between the look and the use a guest can put a symlink into a folder that it shares. On Linux what was opened is what is used, and it is looked
 * at once more; elsewhere the path itself is used, and that moment is left.
 */
async function hold(real: string, refusal: () => Error): Promise<Held> {
	const handle = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)).catch(() => {
		throw refusal();
	});
	try {
		const stat = await handle.stat();
		const self = `/proc/self/fd/${handle.fd}`;
		const linux = process.platform === "linux";
		if ((linux ? await readlink(self) : await realpath(real)) !== real || (!stat.isFile() && !stat.isDirectory())) throw refusal();
		const path = linux && stat.isDirectory() ? self : real;
		return { path, shown: real, file: stat.isFile() ? handle : undefined, release: () => handle.close() };
	} catch (error) {
		await handle.close();
		throw error;
	}
}

async function isFolder(path: string): Promise<boolean> {
	return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function realRoots(allowed: readonly string[]): Promise<string[]> {
	const real = await Promise.all(allowed.filter(isAbsolute).map((root) => realpath(root).catch(() => undefined)));
	return real.filter((root) => root !== undefined);
}

/** A relative path begins in the first folder. */
function placed(roots: readonly string[], path: string): string {
	return isAbsolute(path) ? resolve(path) : resolve(roots[0] ?? "/nowhere", path);
}

function inside(roots: readonly string[], real: string): boolean {
	return roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`));
}

function refused(allowed: readonly string[], path: string): ToolFailure {
	const none = allowed.length === 0;
	return new ToolFailure({
		code: "permission_denied",
		message: `${JSON.stringify(path.slice(0, 200))} is not there, or not in a folder of the host that you may use`,
		hint: none ? "None is allowed here: the user can allow one." : `Allowed: ${allowed.join(", ")}. A relative path begins in the first.`,
		next: "",
	});
}
