/**
 * The agent's own socket, past the engine: through the machine's first process in this host's /proc. There is a way where the engine's machines are processes of
 * this kernel that this user may look into: root's, and an ordinary user's own Podman. See docs/decisions/0009-past-the-engine.md.
 */
import { constants, type FileHandle, open, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { DEADLINES, GUEST_SOCKET } from "../../limits.js";

/** The same on every architecture that there is an agent for (asm-generic/fcntl.h); Node has no name for it. */
const O_PATH = 0o10000000;
const LOOK_MS = 2;
/** The OCI runtime to become the agent, once it has said that it is started. */
const STRANGER_MS = 50;

/**
 * Undefined: it can not be reached so, for whatever reason; the engine knows another way.
 * @param args of the container, with its agent's `--made` token, which no other machine's has
 */
export async function connectDirectly(args: readonly string[], pid: number, signal?: AbortSignal): Promise<Socket | undefined> {
	const token = args[args.indexOf("--made") + 1];
	if (!args.includes("--made") || !token) return undefined;
	try {
		for (const began = Date.now(); ; await pause(LOOK_MS)) {
			const found = await attempt(`\0--made\0${token}\0`, pid);
			// A machine that was only just started has no socket for some milliseconds; through the engine one would wait as well.
			if (typeof found === "object") return found;
			if (Date.now() - began >= (found === "absent" ? DEADLINES.directMs : STRANGER_MS) || signal?.aborted) return undefined;
		}
	} catch {
		return undefined;
	}
}

async function attempt(mark: string, pid: number): Promise<Socket | "absent" | "stranger"> {
	const opened: FileHandle[] = [];
	const step = async (path: string, flags: number): Promise<string> => {
		const handle = await open(path, O_PATH | flags);
		opened.push(handle);
		return `/proc/self/fd/${handle.fd}`;
	};
	try {
		// Held open, it is this process, and never another one that gets its number.
		const process = await step(`/proc/${pid}`, constants.O_DIRECTORY);
		// The engine's number may be one of another host, or of a process that has ended.
		if (!(await readFile(`${process}/cmdline`, "latin1")).includes(mark)) return "stranger";
		const [name = "", ...directories] = GUEST_SOCKET.split("/").slice(1).toReversed();
		let at = await step(`${process}/root`, constants.O_DIRECTORY);
		// One name after the other, and no symlink: the guest can put one anywhere, and it would lead to what this host has there.
		for (const directory of directories.toReversed()) at = await step(`${at}/${directory}`, constants.O_DIRECTORY | constants.O_NOFOLLOW);
		// Held as well, so that it is not exchanged before it is connected to.
		const socket = step(`${at}/${name}`, constants.O_NOFOLLOW).then(connected);
		return await socket.catch((error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT" || error.code === "ECONNREFUSED") return "absent" as const;
			throw error;
		});
	} finally {
		await Promise.all(opened.map((handle) => handle.close()));
	}
}

function connected(path: string): Promise<Socket> {
	return new Promise((resolve, reject) => {
		const socket = connect({ path });
		// For good: it may break before anybody listens, and an error that nobody hears of ends the process.
		socket.on("error", reject);
		socket.once("connect", () => resolve(socket));
	});
}
