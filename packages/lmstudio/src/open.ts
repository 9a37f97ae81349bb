/** A chat's computer as its settings have it now. */
import { type Computer, type OpenOptions, openComputer } from "./library.js";

/** Another image or other packages are another system: the user has it made anew, the files go. */
const NEW_SYSTEM: ReadonlySet<string> = new Set(["image", "preset"]);

/** By the computer's name: of two chats that share one, the second would end what the first begins in the one that it has just made anew. */
const turns = new Map<string, Promise<unknown>>();

/** One opening of a computer after the other. */
export async function openAsAsked(options: OpenOptions & { readonly name: string }): Promise<Computer> {
	const { name } = options;
	const opened = (turns.get(name) ?? Promise.resolve()).then(() => openInTurn(options));
	const turn = opened
		.catch(() => {})
		.then(() => {
			if (turns.get(name) === turn) turns.delete(name);
		});
	turns.set(name, turn);
	return await opened;
}

/**
 * Most of what was changed is applied by the opening. Ports, folders and the like need the computer to be made anew, with its files: that is done unless
 * something runs in it, which would end. What is left is among its notices.
 */
async function openInTurn(options: OpenOptions): Promise<Computer> {
	const computer = await openComputer(options);
	const { signal, onProgress } = options;
	const outdated = pending(computer);
	// Nothing may go on with a network that the user has closed.
	if (outdated.length === 0 || (!outdated.includes("network") && (await isBusy(computer, signal)))) return computer;
	try {
		onProgress?.({ phase: "prepare", message: "applying the changed settings" });
		await computer.rebuild({ ...Object.fromEntries(outdated.map((key) => [key, options[key]])), signal, onProgress });
	} finally {
		await computer.close();
	}
	return await openComputer(options);
}

/** Settings that wait for a moment when nothing runs. */
export function pending(computer: Computer): readonly (keyof OpenOptions)[] {
	return computer.outdated.filter((key) => !NEW_SYSTEM.has(key));
}

/** Commands, and whatever else is no shell that waits. */
async function isBusy(computer: Computer, signal: AbortSignal | undefined): Promise<boolean> {
	const [commands, sessions, processes] = await Promise.all([
		computer.commands.list({ signal }),
		computer.sessions.list({ signal }),
		computer.processes.list({ signal }),
	]);
	const shells = new Set(sessions.map(({ pid }) => pid));
	return (
		commands.some(({ running }) => running) ||
		processes.some(({ internal, pid, state }) => !internal && !shells.has(pid) && state !== "zombie")
	);
}
