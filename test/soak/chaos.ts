/** What is killed and stopped: everything that may be, but the run itself. */
import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DriverName } from "lms-computer";
import type { OwnEngine } from "../support/own-engine.js";
import { randomFrom } from "../support/random.js";
import type { Hand } from "./hands.js";
import type { Troubles } from "./trouble.js";

export type Kill = "host" | "client" | "machine" | "engine" | "pause";

/** How often each is chosen. With namespaces a client is a socket of the host process; a supervisor is the engine of one machine. */
const WEIGHTS: Readonly<Record<DriverName, Readonly<Record<Kill, number>>>> = {
	docker: { host: 5, client: 4, machine: 3, engine: 1, pause: 1 },
	podman: { host: 5, client: 4, machine: 3, engine: 2, pause: 1 },
	namespace: { host: 5, client: 0, machine: 3, engine: 3, pause: 2 },
};
const BETWEEN_MS = { min: 500, max: 4_000 };
const MAX_PAUSE_MS = 2_000;
/** What Docker's daemon has to do after its return until every machine is as it says. */
const ENGINE_GRACE_MS = 5_000;

export interface ChaosOptions {
	readonly driver: DriverName;
	readonly seed: number;
	readonly hands: readonly Hand[];
	/** Undefined: the user's own engine, which is left alone. */
	readonly engine: OwnEngine | undefined;
	readonly troubles: Troubles;
	readonly onKill: (kill: Kill, detail: string) => void;
	/** Shells and jobs of every machine may have ended. */
	readonly onMachines: () => void;
}

/** Until the signal. What was stopped goes on then. */
export async function chaos(options: ChaosOptions, signal: AbortSignal): Promise<void> {
	const random = randomFrom(options.seed);
	const weights = Object.entries(WEIGHTS[options.driver]) as [Kill, number][];
	while (!signal.aborted) {
		// All drawn before anything happens: the same for the same seed.
		const [waits, what, which, long] = [random(), random(), random(), random()];
		const kill = drawn(weights, what);
		await sleep(BETWEEN_MS.min + waits * (BETWEEN_MS.max - BETWEEN_MS.min), undefined, { signal }).catch(() => {});
		if (!signal.aborted) await KILLS[options.engine === undefined ? "host" : kill](options, which, long * MAX_PAUSE_MS);
	}
}

/** One of the list by its weight. */
export function drawn<T>(list: readonly (readonly [T, number])[], number: number): T {
	let left = number * list.reduce((sum, [, weight]) => sum + weight, 0);
	for (const [what, weight] of list) {
		left -= weight;
		if (left < 0) return what;
	}
	throw new Error("expected a number below 1 and some weights");
}

type Do = (options: ChaosOptions, which: number, pauseMs: number) => Promise<void>;
const pick = <T>(list: readonly T[], which: number): T | undefined => list[Math.floor(which * list.length)];

const KILLS: Readonly<Record<Kill, Do>> = {
	async host({ hands, onKill }, which) {
		const hand = pick(hands, which);
		if (hand?.pid === undefined) return;
		onKill("host", `${hand.pid}`);
		hand.kill();
	},
	async client(options, which) {
		const pid = pick(await guestProcesses(options, (argv) => argv[1] === "connect"), which);
		if (pid === undefined) return;
		const over = options.troubles.begin("client killed");
		end(options, "client", pid, "SIGKILL");
		over();
	},
	async machine(options, which) {
		const pid = pick(await guestProcesses(options, (argv) => argv[1] === "init"), which);
		if (pid === undefined) return;
		const over = options.troubles.begin("machine killed");
		options.onMachines();
		end(options, "machine", pid, "SIGKILL");
		options.onMachines();
		over(1000);
	},
	async engine(options, which) {
		const pid = await enginePid(options, which);
		if (pid === undefined) return;
		const over = options.troubles.begin("engine killed");
		options.onMachines();
		end(options, "engine", pid, "SIGKILL");
		await options.engine?.again();
		options.onMachines();
		over(ENGINE_GRACE_MS);
	},
	async pause(options, which, pauseMs) {
		const pid = await enginePid(options, which);
		if (pid === undefined) return;
		const over = options.troubles.begin("engine stopped for a while");
		end(options, "pause", pid, "SIGSTOP");
		await sleep(pauseMs);
		try {
			process.kill(pid, "SIGCONT");
		} catch {} // killed meanwhile
		over(ENGINE_GRACE_MS);
	},
};

function end({ onKill }: ChaosOptions, kill: Kill, pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal);
		onKill(kill, `${pid}`);
	} catch {} // it was quicker
}

async function enginePid(options: ChaosOptions, which: number): Promise<number | undefined> {
	const pid =
		options.driver === "namespace"
			? await parent(pick(await guestProcesses(options, (argv) => argv[1] === "init"), which))
			: // Podman's comes with the next call.
				await options.engine?.pid().catch(() => undefined);
	return pid !== undefined && pid > 1 ? pid : undefined;
}

async function parent(pid: number | undefined): Promise<number | undefined> {
	const status = pid === undefined ? "" : await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
	return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? 0);
}

/** The host's ids of agents in machines of the run's own engine: what they have mounted lies in its directory. */
async function guestProcesses({ engine }: ChaosOptions, chosen: (argv: readonly string[]) => boolean): Promise<readonly number[]> {
	if (engine === undefined) return [];
	const found: number[] = [];
	for (const pid of await readdir("/proc")) {
		if (!/^\d+$/.test(pid)) continue;
		const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
		if (basename(argv[0] ?? "") !== "agent" || !chosen(argv)) continue;
		const mounts = await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "");
		if (mounts.includes(basename(engine.directory))) found.push(Number(pid));
	}
	return found;
}
