/** A look at a chat's computer, beside its shell: the agent's own routes, nothing that runs in a session. It starts nothing. */
import type { Chat } from "./chat.js";
import { type Computer, findComputer, isComputerError } from "./library.js";

/** The user waits for it. */
const WAIT_MS = 3_000;
const MAX_FILES = 10;

type Info = Awaited<ReturnType<Computer["info"]>>;
type FileEntry = Awaited<ReturnType<Computer["files"]["list"]>>["entries"][number];
type CommandState = Awaited<ReturnType<Computer["commands"]["list"]>>[number];

/** What could be seen in time; of a computer that does not run, nothing but what it will be. */
export interface Observation {
	readonly settings: Chat["settings"];
	readonly state: "running" | "stopped" | "none" | "unknown" | "unavailable";
	/** Why there can be none here. */
	readonly reason?: string | undefined;
	readonly info?: Info | undefined;
	/** Where the model's shell is. */
	readonly cwd?: string | undefined;
	readonly tools?: readonly string[] | undefined;
	readonly files?: readonly FileEntry[] | undefined;
	/** Beyond those in `files`. */
	readonly moreFiles?: number | undefined;
	readonly jobs?: readonly CommandState[] | undefined;
}

export async function observe(chat: Chat, userSignal: AbortSignal): Promise<Observation> {
	const { settings } = chat;
	const deadline = new AbortController();
	const timer = setTimeout(() => deadline.abort(), WAIT_MS);
	const signal = AbortSignal.any([userSignal, deadline.signal]);
	let found: Computer | undefined;
	try {
		const { name, driver } = settings.computer;
		if (chat.computer === undefined) found = await findComputer({ name, driver, signal });
		const computer = chat.computer ?? found;
		if (computer === undefined) return { settings, state: "none" };
		if ((await computer.inspect({ signal })).state !== "running") return { settings, state: "stopped" };
		return { settings, state: "running", ...(await look(computer, chat.session, signal)) };
	} catch (error) {
		if (isComputerError(error, "driver_unavailable")) return { settings, state: "unavailable", reason: error.message };
		return { settings, state: "unknown" };
	} finally {
		clearTimeout(timer);
		await found?.close();
	}
}

/** Each by itself: one that fails leaves its line out. */
async function look(computer: Computer, session: string, signal: AbortSignal): Promise<Omit<Observation, "settings" | "state">> {
	const [info, sessions, tools, files, jobs] = await Promise.all([
		quietly(computer.info({ signal })),
		quietly(computer.sessions.list({ signal })),
		quietly(computer.tools({ signal })),
		quietly(computer.files.list("~", { signal })),
		quietly(computer.commands.list({ signal })),
	]);
	const shown = files?.entries.filter((entry) => !entry.name.startsWith("."));
	return {
		info,
		cwd: sessions?.find(({ name }) => name === session)?.cwd,
		tools: tools?.map(({ name }) => name),
		files: shown?.slice(0, MAX_FILES),
		moreFiles: Math.max(0, (shown?.length ?? 0) - MAX_FILES),
		jobs: jobs?.filter(({ running }) => running),
	};
}

async function quietly<T>(promise: Promise<T>): Promise<T | undefined> {
	return await promise.catch(() => undefined);
}
