/** Writes a configuration that others own: whole or not at all, and what was there before stays beside it. */
import { chmod, copyFile, lstat, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ComputerError } from "../../errors/index.js";

/** Empty when there is no file. */
export async function readExisting(file: string): Promise<string> {
	try {
		return await readFile(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw error;
	}
}

/** Answers the name of the copy of what was there; undefined when nothing was. `before` is what the new text was made from. */
export async function writeAtomically(file: string, text: string, before: string): Promise<string | undefined> {
	if ((await stat(dirname(file)).catch(() => undefined))?.isDirectory() !== true) {
		throw new ComputerError("not_found", `there is no ${dirname(file)}: the client does not seem to be installed here`, {
			hint: "Start it once, then try again; or put it in by hand: --print-config shows what.",
		});
	}
	// A file that is a link, as in collections of dotfiles, stays one.
	const real = (await lstat(file).catch(() => undefined))?.isSymbolicLink() ? await realpath(file) : file;
	const mode = (await stat(real).catch(() => undefined))?.mode;
	const fresh = `${real}.lms-computer-${process.pid}`;
	try {
		const handle = await open(fresh, "wx", 0o600);
		try {
			await handle.writeFile(text);
			await handle.sync();
		} finally {
			await handle.close();
		}
		if (mode !== undefined) await chmod(fresh, mode & 0o777);
		const backup = mode === undefined ? undefined : await copyAside(real);
		// The client may have written it while the user was asked.
		if ((await readExisting(real)) !== before) throw new ComputerError("busy", `${file} was changed meanwhile`, { hint: "Try again." });
		await rename(fresh, real);
		return backup;
	} finally {
		await rm(fresh, { force: true });
	}
}

async function copyAside(file: string): Promise<string> {
	const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 17);
	const backup = `${file}.${stamp}.bak`;
	await copyFile(file, backup);
	return backup;
}
