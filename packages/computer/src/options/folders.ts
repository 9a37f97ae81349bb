/** Shared folders: `DIRECTORY`, `DIRECTORY:/mnt/guest`, `DIRECTORY:/mnt/guest:ro`. Windows' own `C:\…` too. */
import { realpath, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { posix, win32 } from "node:path";
import type { SharedFolder } from "../driver.js";
import { ComputerError } from "../errors/index.js";
import { expectKeys, expectText, refuse } from "../expect.js";
import { BOUNDS, DEFAULTS, GUEST_HOME } from "../limits.js";

export type FolderOption =
	| string
	| {
			/** Absolute, or relative to the process's directory. */
			readonly hostPath: string;
			/** Default /mnt/shared. */
			readonly guestPath?: string | undefined;
			/** Default false. */
			readonly readOnly?: boolean | undefined;
			/** The caller means it: also a folder such as / or the home folder itself. */
			readonly dangerous?: boolean | undefined;
	  };

export interface AskedFolder extends SharedFolder {
	readonly dangerous: boolean;
}

const WORDS: ReadonlySet<string> = new Set(["ro", "rw", "dangerous"]);

/** Hides what the guest's system is made of, or the agent. */
const TAKEN = /^\/($|(bin|boot|dev|etc|lib[^/]*|proc|run|sbin|sys|usr|tmp|\.lms)(\/|$))/;

export function expectFolders(what: string, value: unknown): readonly AskedFolder[] {
	if (!Array.isArray(value)) refuse(what, "a list of folders", value);
	if (value.length > BOUNDS.folders) refuse(what, `${BOUNDS.folders} folders at most`, value.length);
	const folders = value.map((one: unknown) => (typeof one === "string" ? readFolder(what, one) : expectFolder(what, one)));
	const places = new Set(folders.map(({ guestPath }) => guestPath));
	if (places.size < folders.length) refuse(what, "each place in the guest once", folders.map(({ guestPath }) => guestPath).join(", "));
	return folders;
}

export function readFolder(what: string, text: string): AskedFolder {
	// The colon of a drive is none of ours.
	const [, drive = "", rest = ""] = /^([A-Za-z]:(?=[\\/]))?(.*)$/s.exec(text) ?? [];
	const [first = "", ...parts] = rest.split(":");
	const guestPath = parts[0]?.startsWith("/") ? parts.shift() : undefined;
	const words = parts.flatMap((part) => part.split(","));
	const odd = words.find((word) => !WORDS.has(word));
	if (odd !== undefined) refuse(what, "DIRECTORY[:/GUEST/DIRECTORY][:ro]", text);
	const [readOnly, dangerous] = [words.includes("ro"), words.includes("dangerous")];
	return expectFolder(what, { hostPath: drive + first, guestPath, readOnly, dangerous });
}

function expectFolder(what: string, value: unknown): AskedFolder {
	expectKeys(what, value, ["hostPath", "guestPath", "readOnly", "dangerous"]);
	const { hostPath, guestPath = DEFAULTS.sharedFolder, readOnly = false, dangerous = false } = value as Exclude<FolderOption, string>;
	if (typeof readOnly !== "boolean") refuse(`${what}.readOnly`, "true or false", readOnly);
	if (typeof dangerous !== "boolean") refuse(`${what}.dangerous`, "true or false", dangerous);
	if (expectText(`${what}.hostPath`, hostPath) === "") refuse(`${what}.hostPath`, "a folder", hostPath);
	const place = posix.normalize(expectText(`${what}.guestPath`, guestPath)).replace(/(.)\/$/, "$1");
	if (!place.startsWith("/") || place.length > 4095) refuse(`${what}.guestPath`, "an absolute path", guestPath);
	if (TAKEN.test(place) || place === posix.dirname(GUEST_HOME)) refuse(`${what}.guestPath`, "a path beside the guest's system", guestPath);
	return { hostPath, guestPath: place, readOnly, dangerous };
}

/** Each as it really is on this host, symlinks resolved; what would hand over too much is refused unless it is insisted on. */
export async function resolveFolders(folders: readonly AskedFolder[]): Promise<readonly SharedFolder[]> {
	return await Promise.all(
		folders.map(async ({ hostPath, dangerous, ...rest }) => {
			const real = await realpath(hostPath.replace(/^~(?=[\\/]|$)/, userInfo().homedir)).catch((error: NodeJS.ErrnoException) => {
				throw missing(hostPath, error);
			});
			if (!(await stat(real)).isDirectory()) throw missing(hostPath, undefined);
			const reason = danger(real, { home: userInfo().homedir, platform: process.platform });
			if (reason !== undefined && !dangerous) throw tooMuch(hostPath, reason);
			return { ...rest, hostPath: real };
		}),
	);
}

/** Why a folder should not be shared; undefined when nothing speaks against it. */
export function danger(real: string, host: { readonly home: string; readonly platform: NodeJS.Platform }): string | undefined {
	const { parse, relative, sep } = host.platform === "win32" ? win32 : posix;
	const holds = (path: string) => {
		const way = relative(real, path);
		return way === "" || (!way.startsWith("..") && parse(way).root === "");
	};
	if (real === parse(real).root) return "it is the whole file system";
	if (holds(host.home)) return "the whole home folder, with its keys and passwords, is in it";
	const below = relative(host.home, real).split(sep);
	if (PRIVATE.has(below[0] ?? "")) return "keys and passwords are kept there";
	if (host.platform === "win32")
		return /^[a-z]:\\(windows|program files|programdata|users$)/i.test(real) ? "it is the system's" : undefined;
	return SYSTEM.test(real) ? "it is the system's" : undefined;
}

const PRIVATE: ReadonlySet<string> = new Set([
	".ssh",
	".gnupg",
	".aws",
	".azure",
	".kube",
	".docker",
	".password-store",
	".mozilla",
	".config",
]);
const SYSTEM =
	/^\/(bin|boot|dev|etc|lib[^/]*|proc|root|run|sbin|sys|usr|var|home|Users|System|Library|private(\/(etc|var))?)$|^\/(boot|dev|etc|proc|sys|run|var\/(lib|run|spool))\//;

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
