/** How a client starts this program again. */

import { resolve } from "node:path";
import { DEFAULTS } from "../limits.js";
import type { Launch } from "../mcp/setup/clients.js";

export interface LaunchFacts {
	/** Of this call: its other flags are those of the server. */
	readonly argv: readonly string[];
	/** The computer. */
	readonly name: string;
	readonly main: string;
	readonly node: string;
	readonly platform: NodeJS.Platform;
}

/** With whole paths: a client that was started from a desktop has no PATH of use. But what npx has brought is not there to stay. */
export function launchOf({ argv, main, name, node, platform }: LaunchFacts): Launch {
	const args = withoutSetup(argv);
	// The client has no LMS_COMPUTER_NAME of this shell's.
	if (name !== DEFAULTS.name && !args.some((word) => /^(--name(=|$)|-n)/.test(word))) args.push("--name", name);
	const server = name === DEFAULTS.name ? "lms-computer" : `lms-computer-${name}`;
	if (!/[\\/]_npx[\\/]/.test(main)) return { name: server, command: node, args: [main, ...args] };
	// On Windows it is a script, and no program.
	const npx = platform === "win32" ? ["cmd", "/c", "npx"] : ["npx"];
	const [command = "npx", ...rest] = [...npx, "-y", "lms-computer", ...args];
	return { name: server, command, args: rest };
}

/** What it starts with is read in the client's directory, whatever that is. */
function withoutSetup(argv: readonly string[]): string[] {
	const kept: string[] = [];
	for (let index = 0; index < argv.length; index++) {
		const [, flag, given] = /^(--[a-z-]+)=(.*)$/s.exec(argv[index] ?? "") ?? [undefined, argv[index] ?? "", undefined];
		if (flag === "--yes" || flag === "-y") continue;
		const followed = SETUP.has(flag) || FOLDERS.has(flag);
		const value = given ?? (followed ? argv[++index] : undefined);
		if (SETUP.has(flag)) continue;
		if (value === undefined) kept.push(flag);
		else if (FOLDERS.has(flag)) kept.push(flag, absolute(value));
		else kept.push(`${flag}=${value}`);
	}
	return kept;
}

const SETUP: ReadonlySet<string> = new Set(["--print-config", "--install"]);
const FOLDERS: ReadonlySet<string> = new Set(["--folder", "--host-folder"]);

/** Of `DIRECTORY:/guest:ro` the directory. */
function absolute(folder: string): string {
	const [, directory = "", rest = ""] = /^([A-Za-z]:[\\/][^:]*|[^:]*)(.*)$/s.exec(folder) ?? [];
	return resolve(directory) + rest;
}
