/** Shared folders: `DIRECTORY`, `DIRECTORY:/mnt/guest`, `DIRECTORY:/mnt/guest:ro`. Windows' own `C:\…` too. */
import { posix } from "node:path";
import type { SharedFolder } from "../driver.js";
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
