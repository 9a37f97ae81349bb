/** Shared folders as they are on this host: where each really is, and whether that hands over too much. */
import { realpath, stat } from "node:fs/promises";
import { delimiter, isAbsolute, posix, win32 } from "node:path";
import { configFile } from "../config.js";
import type { SharedFolder } from "../driver.js";
import { stateDirectory } from "../drivers/state-directory.js";
import { ComputerError } from "../errors/index.js";
import { homeAsSet, homeFolder } from "../home.js";
import type { AskedFolder } from "./folders.js";

/** Each as it really is on this host, symlinks resolved; what would hand over too much is refused unless it is insisted on. */
export async function resolveFolders(folders: readonly AskedFolder[]): Promise<readonly SharedFolder[]> {
	const host = folders.every(({ dangerous }) => dangerous) ? undefined : await thisHost();
	return await Promise.all(
		folders.map(async ({ hostPath, dangerous, ...rest }) => {
			const real = await realpath(hostPath.replace(/^~(?=[\\/]|$)/, homeFolder())).catch((error: NodeJS.ErrnoException) => {
				throw missing(hostPath, error);
			});
			if (!(await stat(real)).isDirectory()) throw missing(hostPath, undefined);
			const reason = host === undefined || dangerous ? undefined : danger(real, host);
			if (reason !== undefined) throw tooMuch(hostPath, reason);
			return { ...rest, hostPath: real };
		}),
	);
}

export interface FolderHost {
	/** The user's, by every name that they have. */
	readonly homes: readonly string[];
	/** Where this program keeps its rules, keys and settings: whoever writes there decides what every computer may. */
	readonly own: readonly string[];
	/** Where this user's shells look for programs. */
	readonly path: readonly string[];
	readonly platform: NodeJS.Platform;
}

/** A home that is a symlink, or below one, is meant by both of its names: what is asked for has been resolved. */
async function thisHost(): Promise<FolderHost> {
	const home = homeFolder();
	// Of the settings the file alone: a user may have put it where much else is.
	const own = [stateDirectory(), configFile({ env: process.env, home })];
	const path = (process.env["PATH"] ?? "").split(delimiter).filter((entry) => isAbsolute(entry));
	return {
		homes: await byAllNames([home, homeAsSet()]),
		own: await byAllNames(own),
		path: await byAllNames(path),
		platform: process.platform,
	};
}

async function byAllNames(paths: readonly string[]): Promise<readonly string[]> {
	const real = await Promise.all(paths.map((path) => realpath(path).catch(() => path)));
	return [...new Set([...paths, ...real])];
}

/** Why a folder should not be shared; undefined when nothing speaks against it. */
export function danger(path: string, host: FolderHost): string | undefined {
	const { join, parse, relative } = host.platform === "win32" ? win32 : posix;
	// These file systems tell no case apart, whatever a path was asked for as.
	const fold = (text: string) => (host.platform === "darwin" || host.platform === "win32" ? text.toLowerCase() : text);
	const real = fold(path);
	const holds = (outer: string, inner: string) => {
		const way = relative(outer, inner);
		return way === "" || (!/^\.\.(?:[\\/]|$)/.test(way) && parse(way).root === "");
	};
	if (real === parse(real).root) return "it is the whole file system";
	// Root has a home of its own, and reaches everybody's.
	const homes = [...host.homes, ...(SOMEBODYS_HOME.exec(path) ?? [])].map(fold).filter((home) => home !== parse(home).root);
	if (homes.some((home) => holds(real, home))) return "the whole home folder, with its keys and passwords, is in it";
	const secret = homes.flatMap((home) => PRIVATE.map((below) => join(home, fold(below))));
	if (secret.some((place) => holds(place, real) || holds(real, place))) return "keys and passwords are kept there";
	const started = homes.flatMap((home) => STARTED.map((below) => join(home, fold(below))));
	// A folder that has one of the PATH's in it may be a project with tools of its own.
	if (started.some((place) => holds(place, real) || holds(real, place)) || host.path.map(fold).some((place) => holds(place, real)))
		return "what is put there is run on this host";
	if (host.own.map(fold).some((place) => holds(place, real) || holds(real, place))) return "what every computer may do is kept there";
	return SYSTEM[host.platform === "win32" || host.platform === "darwin" ? host.platform : "linux"].test(real)
		? "it is the system's"
		: undefined;
}

const SOMEBODYS_HOME = /^(?:\/(?:var\/)?home\/[^/]+|\/Users\/(?!Shared(?:\/|$))[^/]+|\/root)(?=\/|$)/;
const PRIVATE = [
	".ssh",
	".gnupg",
	".aws",
	".azure",
	".kube",
	".docker",
	".password-store",
	".mozilla",
	".config",
	".local/share/keyrings",
	"Library/Keychains",
];
/** Programs and what starts them, of a shell, a session, a browser or an editor; `.config` and the system's are refused already. */
const STARTED = [
	"bin",
	".local/bin",
	".local/lib",
	".local/share/applications",
	".local/share/systemd",
	".local/share/nautilus/scripts",
	".bashrc.d",
	".oh-my-zsh",
	".zsh",
	".vim",
	".emacs.d",
	".vscode",
	".vscode-server",
	".cargo",
	".rustup",
	".npm",
	".npm-global",
	".nvm",
	".pyenv",
	".deno",
	".bun",
	".lmstudio/bin",
	".lmstudio/extensions",
	".cache/lm-studio/bin",
	".cache/lm-studio/extensions",
	"go/bin",
	"snap",
	"Library/LaunchAgents",
	"Library/Application Scripts",
	"Applications",
	"AppData/Local/Programs",
	"AppData/Local/Microsoft",
	"AppData/Roaming/Microsoft",
];
const UNIX =
	"^/(?:(?:bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|run|sbin|sys)(?:/|$)|(?:lib[^/]*|home|root|usr|usr/local|var|var/home)$|usr/(?:local/)?(?:s?bin|lib[^/]*|etc)(?:/|$)|var/(?:lib|run|spool)(?:/|$))";
const SYSTEM = {
	linux: new RegExp(UNIX),
	darwin: new RegExp(`${UNIX}|^/(?:users$|system(?:/|$)|library(?:/|$)|private(?:$|/etc(?:/|$)|/var(?:$|/(?:db|root|run)(?:/|$))))`),
	win32: /^[a-z]:\\(windows|program files|programdata|users$)/,
} as const;

function missing(hostPath: string, cause: NodeJS.ErrnoException | undefined): ComputerError {
	const what = cause === undefined ? "it is no folder" : (cause.code ?? cause.message);
	return new ComputerError("invalid_argument", `expected the shared folder ${JSON.stringify(hostPath)} to be there, got ${what}`, {
		hint: "Make the folder first, or name another one.",
		context: { argument: "folders", hostPath },
		cause,
	});
}

function tooMuch(hostPath: string, reason: string): ComputerError {
	return new ComputerError("permission_denied", `expected a folder to share, got ${JSON.stringify(hostPath)}: ${reason}`, {
		hint: 'Share a folder below it. If you mean it: "DIRECTORY:/GUEST/DIRECTORY:dangerous", or `dangerous: true`.',
		context: { argument: "folders", hostPath },
	});
}
