/** What a host process, the agent and the engine hold before and after many cycles of open, exec, close and many commands: the same. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { DriverName, OpenOptions } from "lms-computer";
import { Hand } from "./hands.js";
import { type Place, remains } from "./remains.js";

const HANG_MS = 600_000;
/** What is made once: a pool, a shell, the list of finished commands. */
const WARM = { cycles: 10, execs: 50 };
const AT_ONCE = 100;
/** Past it memory is not what a garbage collector or a kernel does by itself. */
const MEMORY_MB = 8;
/** Podman keeps the monitor of a finished exec for 300 s: see podman/monitors.ts. */
const SETTLED_MS = { docker: 15_000, podman: 330_000, namespace: 15_000 };
const IMAGE = process.env["LMS_TEST_IMAGE_SH"] ?? "busybox:stable";

export interface LeakOptions {
	readonly driver: DriverName;
	readonly cycles: number;
	readonly execs: number;
	/** Also wait for what Podman lets go of by itself. Default true. */
	readonly patient?: boolean | undefined;
	readonly signal?: AbortSignal | undefined;
	readonly onProgress?: ((line: string) => void) | undefined;
}

type Held = Readonly<Record<string, number>>;

export interface LeakReport {
	readonly driver: DriverName;
	readonly cycles: number;
	readonly execs: number;
	readonly seconds: number;
	readonly before: Held;
	readonly after: Held;
	/** Of what there is more than before, and what was left of it all in the end. */
	readonly leaked: readonly string[];
}

export async function leaks(options: LeakOptions): Promise<LeakReport> {
	const { driver, cycles, execs, patient = true, signal, onProgress = () => {} } = options;
	const began = performance.now();
	const directory = mkdtempSync(join(tmpdir(), "lms-leaks-"));
	for (const name of ["state", "tmp"]) mkdirSync(join(directory, name));
	const name = `leaks-${process.pid}-${driver}`;
	const env = { LMS_COMPUTER_STATE_DIR: join(directory, "state"), TMPDIR: join(directory, "tmp") };
	const open: OpenOptions = { driver, name, preset: "none", ...(driver === "namespace" ? {} : { image: IMAGE }) };
	const hand = new Hand(open, { program: "leak-hand.mjs", execArgv: ["--expose-gc"], env });
	const place: Place = { driver, prefix: name, engineDirectory: undefined, directories: [env.TMPDIR] };
	const run = async (call: "cycles" | "execs", count: number) => {
		for (let done = 0; done < count && !signal?.aborted; done += AT_ONCE) {
			await hand.call(call, { count: Math.min(AT_ONCE, count - done) }, HANG_MS);
			if (done > 0 && (done / AT_ONCE) % 10 === 0)
				onProgress(`${driver}: ${done} ${call}, ${Math.round((performance.now() - began) / 1000)} s`);
		}
	};
	const held = async (): Promise<Held> => ({ ...(await hand.call<Held>("held", {}, HANG_MS)), ...(await outside(place, name)) });
	try {
		await hand.call("begin", {}, HANG_MS);
		await run("cycles", WARM.cycles);
		await run("execs", WARM.execs);
		const before = await held();
		await run("cycles", cycles);
		await run("execs", execs);
		let after = await held();
		const more = () => Object.entries(after).filter(([what, is]) => is > (before[what] ?? 0) + (what.endsWith("Mb") ? MEMORY_MB : 0));
		const counts = () => more().filter(([what]) => patient || what !== "monitors");
		for (const deadline = Date.now() + (patient ? SETTLED_MS[driver] : 15_000); counts().length > 0 && Date.now() < deadline; ) {
			await sleep(1000, undefined, { signal }).catch(() => {});
			after = await held();
			if (signal?.aborted) break;
		}
		const leaked = counts().map(([what, is]) => `${what}: ${round(before[what] ?? 0)} before, ${round(is)} after`);
		const kept = await hand.end(20_000);
		leaked.push(...(kept === undefined ? [] : [kept]), ...(await remains(place)));
		return { driver, cycles, execs, seconds: Math.round((performance.now() - began) / 1000), before, after, leaked };
	} finally {
		await hand.end(20_000).catch(() => {});
		rmSync(directory, { recursive: true, force: true });
	}
}

/** What the engine and the host have for that computer. */
async function outside(place: Place, name: string): Promise<Held> {
	const list = await remains(place);
	const count = (word: string) => list.filter((line) => line.startsWith(`${word} `)).length;
	const facts = { temporaryFiles: count("file"), cgroups: count("cgroup"), mounts: count("mount") };
	if (place.driver === "namespace") return { ...facts, processes: count("process") };
	const container = `lms-computer-${name}`;
	const { stdout } = await promisify(execFile)(place.driver, ["inspect", "--format", "{{len .ExecIDs}}", container]);
	const images = await promisify(execFile)(place.driver, ["images", "--all", "--quiet", "--filter", `label=lms-computer.name=${name}`]);
	const monitors = list.filter((line) => /^process \S*conmon /.test(line)).length;
	return { ...facts, containers: count("container"), images: images.stdout.split("\n").length - 1, execs: Number(stdout), monitors };
}

const WORDS: Readonly<Record<string, string>> = {
	descriptors: "host: open files",
	listeners: "host: listeners of the process",
	resources: "host: timers, sockets and requests",
	heapMb: "host: heap after a collection, MB",
	agentDescriptors: "agent: open files",
	agentMb: "agent: memory, MB",
	guestProcesses: "processes in the machine",
	execs: "engine: execs of the container",
	monitors: "engine: monitors",
};

const round = (number: number) => Math.round(number * 10) / 10;

export function leakTable({ driver, cycles, execs, seconds, before, after, leaked }: LeakReport): string {
	const rows = Object.keys(before).map((what) => `| ${WORDS[what] ?? what} | ${round(before[what] ?? 0)} | ${round(after[what] ?? 0)} |`);
	const title = `${driver}: ${cycles} cycles of open, exec, close and ${execs} commands in ${seconds} s`;
	const end = leaked.length === 0 ? "nothing leaked" : `FAILED, leaked:\n  ${leaked.join("\n  ")}`;
	return [title, "| what | before | after |", "| --- | --- | --- |", ...rows, end].join("\n");
}
