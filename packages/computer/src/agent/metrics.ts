/** What a computer uses now, as its own cgroups count it, and the tools that it has. */
import type { Abortable } from "../driver.js";
import type { AgentLink } from "./link.js";
import { asObject, broken, count, countOrNull, type Json, list, text } from "./shapes.js";

export interface Metrics {
	/** Unix time in ms, by the guest's clock. */
	readonly at: number;
	/** Of the machine. */
	readonly uptimeMs: number;
	readonly cpu: {
		/** Since the machine started. */
		readonly usedMs: number;
		/** That it may use: 0.5 is half of one. */
		readonly processors: number;
		/** 0 to 100 of those, since the last call on this handle; at the first, since the machine started. */
		readonly percent: number;
	};
	/** A limit that is null is none. */
	readonly memory: {
		readonly usedBytes: number;
		readonly limitBytes: number | null;
		/** Processes that the kernel killed for want of memory; null where it does not count. */
		readonly oomKills: number | null;
	};
	/** Processes and threads. */
	readonly pids: { readonly used: number; readonly limit: number | null };
	/** Of the file system that the computer's home is on. */
	readonly disk: {
		readonly usedBytes: number;
		readonly totalBytes: number;
		readonly freeBytes: number;
		/** By the computer itself, about; null where its agent does not watch that, or has not measured it yet. */
		readonly writtenBytes: number | null;
		/** Of those, where the agent watches it; null is none. */
		readonly limitBytes: number | null;
	};
	/** Without the loopback. */
	readonly network: { readonly receivedBytes: number; readonly sentBytes: number };
	/** Over 1, 5 and 15 minutes, of the whole kernel. */
	readonly load: readonly [number, number, number];
}

export interface Tool {
	readonly name: string;
	readonly path: string;
	/** Only where it was asked for and the tool told it. */
	readonly version?: string;
}

export interface ToolsOptions extends Abortable {
	/** Ask each for its version: some 100 ms at first, remembered afterwards. Default: only whether they are there. */
	readonly versions?: boolean | undefined;
}

interface Sample {
	readonly uptimeMs: number;
	readonly usedMs: number;
}

const START: Sample = { uptimeMs: 0, usedMs: 0 };

export class Meter {
	readonly #link: AgentLink;
	#last = START;

	constructor(link: AgentLink) {
		this.#link = link;
	}

	async metrics(options: Abortable): Promise<Metrics> {
		const connection = await this.#link.get(options.signal);
		const read = metrics(await connection.json("GET", "/v1/metrics", undefined, options.signal));
		const sample = { uptimeMs: read.uptimeMs, usedMs: read.cpu.usedMs };
		// A machine that was started again counts from 0.
		const since = sample.uptimeMs > this.#last.uptimeMs && sample.usedMs >= this.#last.usedMs ? this.#last : START;
		this.#last = sample;
		return { ...read, cpu: { ...read.cpu, percent: percent(since, sample, read.cpu.processors) } };
	}

	async tools(options: ToolsOptions): Promise<readonly Tool[]> {
		const connection = await this.#link.get(options.signal);
		const path = options.versions ? "/v1/tools?versions=1" : "/v1/tools";
		return list(await connection.json("GET", path, undefined, options.signal), "tools", tool);
	}
}

function percent(from: Sample, to: Sample, processors: number): number {
	const availableMs = (to.uptimeMs - from.uptimeMs) * processors;
	if (availableMs <= 0) return 0;
	return Math.min(100, Math.round(((to.usedMs - from.usedMs) / availableMs) * 1000) / 10);
}

function metrics(json: Json): Omit<Metrics, "cpu"> & { readonly cpu: Omit<Metrics["cpu"], "percent"> } {
	const [cpu, memory, pids] = [asObject(json["cpu"], "cpu"), asObject(json["memory"], "memory"), asObject(json["pids"], "pids")];
	const [disk, network] = [asObject(json["disk"], "disk"), asObject(json["network"], "network")];
	return {
		at: count(json, "at"),
		uptimeMs: count(json, "uptimeMs"),
		cpu: { usedMs: count(cpu, "usedMs"), processors: amount(cpu["processors"], "processors") },
		memory: {
			usedBytes: count(memory, "usedBytes"),
			limitBytes: countOrNull(memory, "limitBytes"),
			oomKills: countOrNull(memory, "oomKills"),
		},
		pids: { used: count(pids, "used"), limit: countOrNull(pids, "limit") },
		disk: {
			usedBytes: count(disk, "usedBytes"),
			totalBytes: count(disk, "totalBytes"),
			freeBytes: count(disk, "freeBytes"),
			writtenBytes: countOrNull(disk, "writtenBytes"),
			limitBytes: countOrNull(disk, "limitBytes"),
		},
		network: { receivedBytes: count(network, "receivedBytes"), sentBytes: count(network, "sentBytes") },
		load: loadOf(json["load"]),
	};
}

function tool(json: Json): Tool {
	return {
		name: text(json, "name"),
		path: text(json, "path"),
		...(json["version"] !== undefined && { version: text(json, "version") }),
	};
}

function amount(value: unknown, what: string): number {
	if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
	throw broken(`expected a number from 0 as ${what} in the guest's answer`);
}

function loadOf(value: unknown): [number, number, number] {
	if (!Array.isArray(value)) throw broken("expected three load averages in the guest's answer");
	return [amount(value[0], "load"), amount(value[1], "load"), amount(value[2], "load")];
}
