/** Terminals for programs that need one. They live in the guest; attaching and detaching leaves them running. */
import type { Duplex } from "node:stream";
import type { Abortable } from "../driver.js";
import { ComputerError } from "../errors/index.js";
import { expectEnv, expectMatch, expectText, expectWhole } from "../expect.js";
import { SESSION_PATTERN } from "../limits.js";
import type { Connection } from "./connection.js";
import type { AgentLink } from "./link.js";
import { expandHome } from "./paths.js";
import { plainStream } from "./plain-stream.js";
import { count, flag, type Json, list, text, wholeOrNull } from "./shapes.js";

export interface TerminalOptions extends Abortable {
	/** Default: a login shell. */
	readonly command?: string | undefined;
	/** Take directory and environment from this session. */
	readonly session?: string | undefined;
	readonly cwd?: string | undefined;
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** 1 to 1,000, default 80. */
	readonly columns?: number | undefined;
	/** 1 to 1,000, default 24. */
	readonly rows?: number | undefined;
}

export interface TerminalState {
	readonly name: string;
	readonly pid: number;
	readonly columns: number;
	readonly rows: number;
	readonly running: boolean;
	/** Null while it runs. */
	readonly exitCode: number | null;
	/** Clients that look at it. */
	readonly attached: number;
}

const MAX_CELLS = 1000;

export class Terminals {
	readonly #link: AgentLink;

	/** @internal */
	constructor(link: AgentLink) {
		this.#link = link;
	}

	async list(options: Abortable = {}): Promise<readonly TerminalState[]> {
		const connection = await this.#link.get(options.signal);
		return list(await connection.json("GET", "/v1/terminals", undefined, options.signal), "terminals", terminalState);
	}

	/** The one of that name, made if missing. */
	async open(name: string, options: TerminalOptions = {}): Promise<Terminal> {
		const body = {
			command: options.command === undefined ? undefined : expectText("command", options.command),
			session: options.session === undefined ? undefined : expectMatch("session", options.session, SESSION_PATTERN),
			cwd: options.cwd === undefined ? undefined : expandHome(expectText("cwd", options.cwd)),
			env: options.env === undefined ? undefined : expectEnv("env", options.env),
			...size(options.columns ?? 80, options.rows ?? 24),
		};
		const path = terminalPath(name);
		const connection = await this.#link.get(options.signal);
		const json = await connection.json("PUT", path, body, options.signal);
		return new Terminal(this.#link, terminalState(json), flag(json, "created"));
	}

	/** Hangs up (HUP, then KILL). */
	async remove(name: string, options: Abortable = {}): Promise<void> {
		const connection = await this.#link.get(options.signal);
		await connection.send("DELETE", terminalPath(name), "", options.signal);
	}
}

export class Terminal {
	readonly name: string;
	/** It was made by this call; else it was there. */
	readonly created: boolean;
	/** As it was when opened. */
	readonly state: TerminalState;
	readonly #link: AgentLink;
	#attachedBy: Connection | undefined;

	/** @internal */
	constructor(link: AgentLink, state: TerminalState, created: boolean) {
		this.#link = link;
		this.name = state.name;
		this.state = state;
		this.created = created;
	}

	/**
	 * Keys in, the screen's bytes out, beginning with up to 64 KiB of what was shown before. Ends when the program does;
	 * ending or destroying it detaches. The bytes are the guest's: give them to a terminal only on the user's behalf.
	 */
	async attach(options: Abortable = {}): Promise<Duplex> {
		const connection = await this.#link.get(options.signal);
		const { stream } = await connection.open("POST", `${terminalPath(this.name)}/attach`, options.signal);
		this.#attachedBy = connection;
		return plainStream(stream, { signal: options.signal, writable: true });
	}

	/**
	 * How the program ended, after `attach` has; null while it (or a later one of that name) runs. Asks over the connection
	 * that `attach` had and makes no new one, which would start a machine that was stopped: `connection_lost` then.
	 */
	async exitCode(options: Abortable = {}): Promise<number | null> {
		const connection = this.#attachedBy;
		if (connection === undefined)
			throw new ComputerError("invalid_argument", "expected a terminal that was attached, got one that was not");
		const states = list(await connection.json("GET", "/v1/terminals", undefined, options.signal), "terminals", terminalState);
		const state = states.find((one) => one.name === this.name);
		if (state === undefined) throw new ComputerError("not_found", `the terminal ${this.name} was removed`);
		return state.exitCode;
	}

	async resize(columns: number, rows: number, options: Abortable = {}): Promise<void> {
		const body = JSON.stringify(size(columns, rows));
		const connection = await this.#link.get(options.signal);
		await connection.send("PUT", `${terminalPath(this.name)}/size`, body, options.signal);
	}
}

function size(columns: number, rows: number): { columns: number; rows: number } {
	return { columns: expectWhole("columns", columns, 1, MAX_CELLS), rows: expectWhole("rows", rows, 1, MAX_CELLS) };
}

function terminalPath(name: string): string {
	return `/v1/terminals/${expectMatch("the terminal's name", name, SESSION_PATTERN)}`;
}

function terminalState(json: Json): TerminalState {
	return {
		name: text(json, "name"),
		pid: count(json, "pid"),
		columns: count(json, "columns"),
		rows: count(json, "rows"),
		running: flag(json, "running"),
		exitCode: wholeOrNull(json, "exitCode"),
		attached: count(json, "attached"),
	};
}
