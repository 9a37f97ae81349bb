/** What runs in a computer, whoever started it. Names and command lines are the programs' own choice: printable, bounded, not to be believed. */
import type { Abortable } from "../driver.js";
import { expectSignalName, expectWhole } from "../expect.js";
import type { AgentLink } from "./link.js";
import { count, flag, type Json, list, oneOf, text, whole } from "./shapes.js";

export interface ProcessState {
	/** In the guest. */
	readonly pid: number;
	readonly ppid: number;
	readonly user: string;
	readonly uid: number;
	readonly state: "running" | "sleeping" | "waiting" | "stopped" | "zombie" | "dead" | "idle";
	/** Unix time in ms. */
	readonly startedAt: number;
	/** Of CPU, used so far. */
	readonly cpuMs: number;
	readonly rssBytes: number;
	readonly threads: number;
	readonly name: string;
	/** The command line, 1 KiB of it at most; `[name]` where there is none. */
	readonly command: string;
	/** Of the command that started it, as in `commands`; undefined where it has no marker. */
	readonly commandId?: string;
	/** The agent, or a connection to it. */
	readonly internal: boolean;
}

export interface ListeningPort {
	readonly port: number;
	/** `127.0.0.1`, `0.0.0.0`, `::` … */
	readonly address: string;
	readonly uid: number;
	/** Who listens, where it could be found. */
	readonly pid?: number;
	readonly program?: string;
}

export interface SignalOptions extends Abortable {
	/** `TERM`, `KILL`, `SIGHUP` … Default TERM. */
	readonly signalName?: string | undefined;
}

const STATES = ["running", "sleeping", "waiting", "stopped", "zombie", "dead", "idle"] as const;

export class Processes {
	readonly #link: AgentLink;

	/** @internal */
	constructor(link: AgentLink) {
		this.#link = link;
	}

	/** By pid, the first 4,096. */
	async list(options: Abortable = {}): Promise<readonly ProcessState[]> {
		const connection = await this.#link.get(options.signal);
		return list(await connection.json("GET", "/v1/processes", undefined, options.signal), "processes", processState);
	}

	/** A signal to one process. `not_found` when there is none; the machine's agent is `permission_denied`. */
	async kill(pid: number, options: SignalOptions = {}): Promise<void> {
		const path = `/v1/processes/${expectWhole("pid", pid, 1, 2 ** 31 - 1)}/signal`;
		const signal = expectSignalName("signalName", options.signalName ?? "TERM");
		await (await this.#link.get(options.signal)).json("POST", path, { signal }, options.signal);
	}

	/** TCP ports that something listens on, by number, the first 1,024. */
	async ports(options: Abortable = {}): Promise<readonly ListeningPort[]> {
		const connection = await this.#link.get(options.signal);
		return list(await connection.json("GET", "/v1/ports", undefined, options.signal), "ports", listeningPort);
	}
}

function processState(json: Json): ProcessState {
	return {
		pid: count(json, "pid"),
		ppid: count(json, "ppid"),
		user: text(json, "user"),
		uid: count(json, "uid"),
		state: oneOf(json, "state", STATES),
		startedAt: whole(json, "startedAt"),
		cpuMs: count(json, "cpuMs"),
		rssBytes: count(json, "rssBytes"),
		threads: count(json, "threads"),
		name: text(json, "name"),
		command: text(json, "command"),
		...(json["commandId"] !== undefined && { commandId: text(json, "commandId") }),
		internal: flag(json, "internal"),
	};
}

function listeningPort(json: Json): ListeningPort {
	return {
		port: count(json, "port"),
		address: text(json, "address"),
		uid: count(json, "uid"),
		...(json["pid"] !== undefined && { pid: count(json, "pid") }),
		...(json["program"] !== undefined && { program: text(json, "program") }),
	};
}
