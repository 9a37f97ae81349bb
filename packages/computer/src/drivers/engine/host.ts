/** What discovery may know of the machine it runs on; injected, so that tests can be another machine. */
import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { posix, win32 } from "node:path";
import { homeAsSet } from "../../home.js";

export interface Host {
	readonly env: NodeJS.ProcessEnv;
	readonly platform: NodeJS.Platform;
	readonly home: string;
	/** -1 on Windows. */
	readonly uid: number;
}

export interface HostOptions {
	readonly env?: NodeJS.ProcessEnv | undefined;
	readonly platform?: NodeJS.Platform | undefined;
}

export function describeHost({ env = process.env, platform = process.platform }: HostOptions): Host {
	return { env, platform, home: homeAsSet(env), uid: process.getuid?.() ?? -1 };
}

/** The user's runtime directories, best first; the variable is missing in cron, in `su` and under a plugin host. */
export function runtimeDirectories(host: Host): readonly string[] {
	const named = host.env["XDG_RUNTIME_DIR"];
	const usual = host.platform === "linux" && host.uid >= 0 ? [`/run/user/${host.uid}`] : [];
	return [...new Set(named ? [named, ...usual] : usual)];
}

/** The temporary directory as the injected environment has it. */
export function temporaryDirectory(host: Host): string {
	return host.env["TMPDIR"] || tmpdir();
}

const PROGRAM_DIRECTORIES = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin", "/snap/bin"];
const WINDOWS_DIRECTORIES = ["C:\\Program Files\\Docker\\Docker\\resources\\bin", "C:\\Program Files\\RedHat\\Podman"];

/** An executable by name, with PATH or without. */
export function findProgram(name: string, { env, platform }: Host): string | undefined {
	const isWindows = platform === "win32";
	const { delimiter, isAbsolute, join } = isWindows ? win32 : posix;
	const path = (env["PATH"] ?? "").split(delimiter).filter((entry) => isAbsolute(entry));
	const file = isWindows ? `${name}.exe` : name;
	return [...path, ...(isWindows ? WINDOWS_DIRECTORIES : PROGRAM_DIRECTORIES)].map((directory) => join(directory, file)).find(isExecutable);
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
