import { asObject, count, type Json, text } from "./shapes.js";

/** What the computer is, as seen from the inside. */
export interface ComputerInfo {
	readonly os: string;
	/** As in /etc/os-release: `debian`, `ubuntu`, `alpine`. */
	readonly osId: string;
	readonly osVersion: string;
	readonly kernel: string;
	readonly arch: string;
	readonly hostname: string;
	readonly user: string;
	readonly uid: number;
	readonly home: string;
	readonly cwd: string;
	readonly shell: string;
	readonly uptimeMs: number;
	readonly cpus: number;
	readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
	readonly disk: { readonly totalBytes: number; readonly freeBytes: number };
}

export function computerInfo(json: Json): ComputerInfo {
	const memory = asObject(json["memory"], "memory");
	const disk = asObject(json["disk"], "disk");
	return {
		os: text(json, "os"),
		osId: text(json, "osId"),
		osVersion: text(json, "osVersion"),
		kernel: text(json, "kernel"),
		arch: text(json, "arch"),
		hostname: text(json, "hostname"),
		user: text(json, "user"),
		uid: count(json, "uid"),
		home: text(json, "home"),
		cwd: text(json, "cwd"),
		shell: text(json, "shell"),
		uptimeMs: count(json, "uptimeMs"),
		cpus: cpus(json),
		memory: { totalBytes: count(memory, "totalBytes"), availableBytes: count(memory, "availableBytes") },
		disk: { totalBytes: count(disk, "totalBytes"), freeBytes: count(disk, "freeBytes") },
	};
}

/** A limit can be half a processor. */
function cpus(json: Json): number {
	const value = json["cpus"];
	return typeof value === "number" && value > 0 ? value : count(json, "cpus");
}
