/** Commands of a computer, running or finished, whoever started them. */
import type { Abortable } from "../driver.js";
import { expectMatch, expectOneOf, expectSignalName, expectWhole, refuse } from "../expect.js";
import type { Connection } from "./connection.js";
import { type CommandOptions, execRequest } from "./exec-options.js";
import type { AgentLink } from "./link.js";
import { asObject, broken, count, flag, type Json, list, oneOf, text, wholeOrNull } from "./shapes.js";
import { expectSource, type Source } from "./write.js";

export interface CommandState {
	readonly id: string;
	readonly session: string;
	/** The first 4 KiB of its text. */
	readonly command: string;
	readonly running: boolean;
	/** Null while it runs. */
	readonly exitCode: number | null;
	/** Why it ended; null while it runs. After `signal` and `out_of_memory` the exit code is 128 + signal, as shells have it. */
	readonly reason: EndReason | null;
	readonly timedOut: boolean;
	/** Unix time in ms. */
	readonly startedAt: number;
	readonly durationMs: number;
	/** In the guest. */
	readonly pid: number;
	/** Written so far. */
	readonly stdoutBytes: number;
	readonly stderrBytes: number;
	/** Told by `wait` with `input`: it stands in a read of its stdin. */
	readonly readsInput: boolean;
}

const REASONS = ["exit", "signal", "timeout", "killed", "out_of_memory"] as const;
/** It ended itself; a signal ended it; its time limit did; somebody asked for it; the kernel killed it, since the machine's memory was used up. */
export type EndReason = (typeof REASONS)[number];

export interface StartOptions extends Omit<CommandOptions, "onTimeout" | "maxOutputBytes"> {
	/** `true`: the command's stdin is open, for `sendInput`. Without it, end of file at once. */
	readonly stdin?: true | undefined;
}

export interface OutputOptions extends Abortable {
	/** Default "stdout". */
	readonly stream?: "stdout" | "stderr" | undefined;
	/** Default 0. */
	readonly offset?: number | undefined;
	/** Default 65,536, at most 16 MiB. */
	readonly length?: number | undefined;
}

export interface OutputPart {
	readonly bytes: Buffer;
	/** Where these bytes begin: later than asked for where the middle of a long log was dropped. */
	readonly offset: number;
	/** Written so far. */
	readonly totalBytes: number;
}

export interface WaitOptions extends Abortable {
	/** Default and 0: no limit. */
	readonly timeoutMs?: number | undefined;
	/** Also return when the command stands in a read of its stdin, which is open. Default false. */
	readonly input?: boolean | undefined;
}

export interface InputOptions extends Abortable {
	/** False leaves stdin open for more. Default true: end of file after it. */
	readonly end?: boolean | undefined;
}

export interface KillOptions extends Abortable {
	/** For what does not heed an interrupt: `TERM`, `INT`, `SIGHUP` … Default TERM. */
	readonly signalName?: string | undefined;
	/** Until KILL. 0 to 60,000, default 2,000. */
	readonly graceMs?: number | undefined;
}

const MAX_PART_BYTES = 16 * 1024 * 1024;
const MAX_GRACE_MS = 60_000;

export class Commands {
	readonly #link: AgentLink;
	readonly #onStart: (command: string, state: CommandState) => void;

	/** @internal @param onStart is told of every job that was started here */
	constructor(link: AgentLink, onStart: (command: string, state: CommandState) => void = () => {}) {
		this.#link = link;
		this.#onStart = onStart;
	}

	/**
	 * Starts a command as a job: it runs on whoever leaves, in a shell of its own that begins with the session's directory and exported
	 * environment. Without `timeoutMs` it has no limit. `limit_reached` when 256 commands run already.
	 */
	async start(command: string, options: StartOptions = {}): Promise<CommandState> {
		// Nobody would write to it, and the command wait for ever.
		if (options.stdin !== undefined && options.stdin !== true) refuse("stdin", "true, for `sendInput`", options.stdin);
		const { body } = execRequest(command, options, 0, false);
		const connection = await this.#link.get(options.signal);
		const state = commandState(await connection.json("POST", "/v1/commands", body, options.signal));
		this.#onStart(command, state);
		return state;
	}

	/** Oldest first: those running and the last 256 finished. */
	async list(options: Abortable = {}): Promise<readonly CommandState[]> {
		const connection = await this.#link.get(options.signal);
		return list(await connection.json("GET", "/v1/commands", undefined, options.signal), "commands", commandState);
	}

	/** `not_found` when there is none of that id. */
	async get(id: string, options: Abortable = {}): Promise<CommandState> {
		const connection = await this.#link.get(options.signal);
		return commandState(await connection.json("GET", commandPath(id), undefined, options.signal));
	}

	/** Its state when it has finished or the time is over, whichever is first. */
	async wait(id: string, options: WaitOptions = {}): Promise<CommandState> {
		const timeoutMs = expectWhole("timeoutMs", options.timeoutMs ?? 0, 0, Number.MAX_SAFE_INTEGER);
		const connection = await this.#link.get(options.signal);
		const query = [...(timeoutMs === 0 ? [] : [`timeoutMs=${timeoutMs}`]), ...(options.input ? ["input=1"] : [])].join("&");
		return commandState(await connection.json("GET", `${commandPath(id)}/wait?${query}`, undefined, options.signal));
	}

	/** A part of its log. Empty at the end; ask again from `offset + bytes.length` while it runs. */
	async output(id: string, options: OutputOptions = {}): Promise<OutputPart> {
		const stream = expectOneOf("stream", options.stream ?? "stdout", ["stdout", "stderr"]);
		const offset = expectWhole("offset", options.offset ?? 0, 0, Number.MAX_SAFE_INTEGER);
		const length = expectWhole("length", options.length ?? 65_536, 1, MAX_PART_BYTES);
		const connection = await this.#link.get(options.signal);
		const path = `${commandPath(id)}/output?stream=${stream}&offset=${offset}&length=${length}`;
		const { headers, body } = await connection.bytes(path, length, options.signal);
		return { bytes: body, offset: headerNumber(headers["lms-offset"]), totalBytes: headerNumber(headers["lms-total"]) };
	}

	/** Writes all of it to the command's stdin, then end of file. For one that was started with a stdin. */
	async sendInput(id: string, source: Source, options: InputOptions = {}): Promise<void> {
		expectSource("the input", source);
		const connection = await this.#link.get(options.signal);
		const eof = options.end === false ? "" : "?eof=1";
		await connection.send("PUT", `${commandPath(id)}/stdin${eof}`, source, options.signal);
	}

	/**
	 * Interrupts the whole tree, as Ctrl-C does; what does not heed that gets the signal, and KILL after the grace. What a command that has ended left in the
	 * background gets the signal at once. Answers its state when it is gone.
	 */
	async kill(id: string, options: KillOptions = {}): Promise<CommandState> {
		return killCommand(await this.#link.get(options.signal), id, options);
	}
}

/** @internal */
export async function killCommand(connection: Connection, id: string, options: KillOptions): Promise<CommandState> {
	const signal = expectSignalName("signalName", options.signalName ?? "TERM");
	const graceMs = expectWhole("graceMs", options.graceMs ?? 2_000, 0, MAX_GRACE_MS);
	return commandState(await connection.json("POST", `${commandPath(id)}/kill`, { signal, graceMs }, options.signal));
}

/** @internal The command that an exec waits for goes on as a job. */
export async function detachCommand(connection: Connection, id: string, options: Abortable): Promise<void> {
	await connection.json("POST", `${commandPath(id)}/detach`, {}, options.signal);
}

function commandPath(id: string): string {
	return `/v1/commands/${encodeURIComponent(expectMatch("the command's id", id, /^[A-Za-z0-9_-]{1,64}$/))}`;
}

/** @internal */
export function headerNumber(value: string | string[] | undefined): number {
	const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
	if (Number.isSafeInteger(number)) return number;
	throw broken("expected a number in a header of the agent's answer");
}

/** An agent of before says nothing of it. */
export function endReason(json: Json): EndReason | null {
	return json["reason"] === undefined ? null : oneOf(json, "reason", REASONS);
}

export function commandState(json: Json): CommandState {
	return {
		id: text(json, "id"),
		session: text(json, "session"),
		command: text(json, "command"),
		running: flag(json, "running"),
		exitCode: wholeOrNull(json, "exitCode"),
		reason: endReason(json),
		timedOut: flag(json, "timedOut"),
		startedAt: count(json, "startedAt"),
		durationMs: count(json, "durationMs"),
		pid: count(json, "pid"),
		stdoutBytes: count(asObject(json["stdout"], "stdout"), "bytes"),
		stderrBytes: count(asObject(json["stderr"], "stderr"), "bytes"),
		readsInput: json["readsInput"] === true,
	};
}
