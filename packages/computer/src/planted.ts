/** What a computer has put into a shared folder that programs of this host run or trust without asking: the user is told to look at it. */
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { SharedFolder } from "./driver.js";

/** Shells and their directory hooks, git, editors, package managers, and clients that start what an MCP file names. */
const WATCHED = [
	".bashrc",
	".bash_profile",
	".bash_login",
	".profile",
	".zshrc",
	".zshenv",
	".zprofile",
	".envrc",
	".git",
	".git/config",
	".git/hooks",
	".husky",
	".vscode",
	".devcontainer",
	".devcontainer.json",
	".idea",
	".mcp.json",
	".cursor",
	".claude",
	".npmrc",
	".pre-commit-config.yaml",
] as const;
/** What is looked at of a directory; it is the guest's, so there may be millions. */
const MAX_ENTRIES = 100;

export class Planted {
	readonly #note: (notice: string) => void;
	/** By path on this host: what was there the last time. */
	readonly #seen = new Map<string, string>();
	#folders: readonly string[] = [];

	constructor(note: (notice: string) => void) {
		this.#note = note;
	}

	/** These from now on: what is there by now is not the computer's doing, unless it was watched before and has changed since. */
	async watch(folders: readonly SharedFolder[]): Promise<void> {
		await this.look();
		this.#folders = [...new Set(folders.filter(({ readOnly }) => !readOnly).map(({ hostPath }) => hostPath))];
		await this.#changes();
	}

	/** Notes what has changed since the last look. Nothing is looked at where no folder is shared for writing. */
	async look(): Promise<void> {
		if (this.#folders.length === 0) return;
		for (const path of await this.#changes()) {
			this.#note(
				`${path}, in a shared folder, is new or changed: programs of this host run or trust it without asking, so look at it first`,
			);
		}
	}

	async #changes(): Promise<string[]> {
		const paths = this.#folders.flatMap((folder) => WATCHED.map((name) => join(folder, name)));
		const states = await Promise.all(paths.map(stateOf));
		return paths.filter((path, index) => {
			const state = states[index] ?? "";
			const before = this.#seen.get(path) ?? "";
			this.#seen.set(path, state);
			return state !== before && state !== "";
		});
	}
}

/** Empty when it is not there. Only compared, never told: a symlink of the guest's may lead anywhere. */
async function stateOf(path: string): Promise<string> {
	const found = await lstat(path, { bigint: true }).catch(() => undefined);
	if (found === undefined) return "";
	// The time of the last change of content or mode, which no program can set.
	if (!found.isDirectory()) return `${found.ino} ${found.ctimeNs}`;
	// Of a repository itself, only that it is one: git writes to it all the time.
	if (path.endsWith(".git")) return "directory";
	const names = await entries(path);
	const states = await Promise.all(names.map((name) => lstat(join(path, name), { bigint: true }).catch(() => undefined)));
	return names.map((name, index) => `${name} ${states[index]?.ino} ${states[index]?.ctimeNs}`).join("\n");
}

/** Samples are what git itself puts there, and never runs. */
async function entries(path: string): Promise<string[]> {
	const names: string[] = [];
	try {
		for await (const { name } of await opendir(path)) {
			if (!name.endsWith(".sample") && names.push(name) === MAX_ENTRIES) break;
		}
	} catch {} // it went in between
	return names.sort();
}
