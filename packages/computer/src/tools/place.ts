/** Where relative paths begin: in the shell's directory, for every tool alike. */
import { GUEST_HOME } from "../limits.js";
import type { ToolCall } from "./tool.js";

/** Where the shell is; undefined when there is none yet. */
async function shellDirectory(call: ToolCall): Promise<string | undefined> {
	const computer = await call.computer();
	const sessions = await computer.sessions.list({ signal: call.signal });
	return sessions.find(({ name }) => name === call.settings.session)?.cwd;
}

/** What a file or folder is called where it is copied to; the home by its own name: a folder `~` is one that its user removes the home for. */
export function lastName(path: string): string {
	const whole = path.replace(/^~(?=\/*$)/, GUEST_HOME).replace(/\/+$/, "");
	return whole.slice(whole.lastIndexOf("/") + 1);
}

/** Absolute ones and `~` stay as they are: the computer knows them. */
export async function guestPath(call: ToolCall, path: string): Promise<string> {
	if (path.startsWith("/") || path === "~" || path.startsWith("~/")) return path;
	const directory = await shellDirectory(call);
	const plain = path.replace(/^(\.\/+)+/, "");
	if (plain === "." || plain === "") return directory ?? "~";
	return `${directory?.replace(/\/$/, "") ?? "~"}/${plain}`;
}
