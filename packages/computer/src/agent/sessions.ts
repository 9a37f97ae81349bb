/** Persistent shells: each has a directory, an environment and one command at a time. */
import type { Abortable } from "../driver.js";
import { expectMatch } from "../expect.js";
import { SESSION_PATTERN } from "../limits.js";
import type { AgentLink } from "./link.js";
import { count, flag, type Json, list, text } from "./shapes.js";

export interface SessionState {
	readonly name: string;
	readonly cwd: string;
	/** The shell's, in the guest. */
	readonly pid: number;
	readonly shell: string;
	/** A command runs. */
	readonly busy: boolean;
	/** Commands that wait for it. */
	readonly queued: number;
}

export class Sessions {
	readonly #link: AgentLink;

	/** @internal */
	constructor(link: AgentLink) {
		this.#link = link;
	}

	async list(options: Abortable = {}): Promise<readonly SessionState[]> {
		const connection = await this.#link.get(options.signal);
		return list(await connection.json("GET", "/v1/sessions", undefined, options.signal), "sessions", sessionState);
	}

	/** Makes it if missing. A command does so too. */
	async open(name: string, options: Abortable = {}): Promise<SessionState> {
		const connection = await this.#link.get(options.signal);
		return sessionState(await connection.json("PUT", sessionPath(name), {}, options.signal));
	}

	/** Kills its shell and its running command; the next command finds a fresh one in the home directory. */
	async remove(name: string, options: Abortable = {}): Promise<void> {
		const connection = await this.#link.get(options.signal);
		await connection.send("DELETE", sessionPath(name), "", options.signal);
	}
}

function sessionPath(name: string): string {
	return `/v1/sessions/${expectMatch("the session's name", name, SESSION_PATTERN)}`;
}

function sessionState(json: Json): SessionState {
	return {
		name: text(json, "name"),
		cwd: text(json, "cwd"),
		pid: count(json, "pid"),
		shell: text(json, "shell"),
		busy: flag(json, "busy"),
		queued: count(json, "queued"),
	};
}
