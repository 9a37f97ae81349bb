/** One soak run: lanes of random operations in several host processes on a few computers, against a model, while things are killed. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DriverName, OpenOptions } from "lms-computer";
import { type OwnEngine, ownEngine } from "../support/own-engine.js";
import { randomFrom } from "../support/random.js";
import { chaos, drawn, type Kill } from "./chaos.js";
import { COMMANDS } from "./commands.js";
import { FILE_OPERATIONS, readFile } from "./files.js";
import { CallFailed, Hand } from "./hands.js";
import { MACHINES } from "./machines.js";
import { ModelComputer } from "./model.js";
import { type Place, remains } from "./remains.js";
import { FILES, FOLDER, type Operations, type Outcome, pathOf, type Step } from "./step.js";
import { Troubles } from "./trouble.js";

const COMPUTERS = 3;
const HANDS = 3;
const LANES_PER_HAND = 2;
/** Longer than the longest deadline of any call, twice: an engine that stands still may be waited for more than once. */
const HANG_MS = 180_000;
/** What an operation that was cut short has left to others to finish. */
const UNCERTAIN_MS = 4_000;
const LAST = 40;
const DISK_MB = 3_000;
const OPERATIONS: Operations = { ...COMMANDS, ...FILE_OPERATIONS, ...MACHINES };
const WEIGHTS = Object.entries(OPERATIONS).map(([name, [weight]]) => [name, weight] as const);
const IMAGE = process.env["LMS_TEST_IMAGE_SH"] ?? "busybox:stable";

export interface SoakOptions {
	readonly driver: DriverName;
	readonly seed: number;
	readonly durationMs: number;
	readonly signal?: AbortSignal;
	/** Every line of what is done, as it is done. */
	readonly onLine?: ((line: string) => void) | undefined;
	/** Now and then. */
	readonly onProgress?: (report: Report) => void;
}

export interface Report {
	readonly driver: DriverName;
	readonly seed: number;
	seconds: number;
	/** By name: those that were as expected, and those that a kill or another's operation excuses, by code. */
	readonly operations: Record<string, { ok: number; excused: Record<string, number> }>;
	readonly kills: Partial<Record<Kill, number>>;
	/** The first thing that must not be. */
	violation?: string;
	/** What killed host processes have left, and a pruning has found. */
	pruned: readonly string[];
	/** What was still there in the end, and was not before. */
	remains: readonly string[];
	/** What was done last, oldest first. */
	readonly last: string[];
}

export function operationCount({ operations }: Report): number {
	return Object.values(operations).reduce((sum, { ok, excused }) => sum + ok + Object.values(excused).reduce((a, b) => a + b, 0), 0);
}

export async function soak(options: SoakOptions): Promise<Report> {
	const run = new Run(options);
	try {
		await run.begin();
		await run.go();
		await run.verify();
	} catch (error) {
		run.fail(error);
	} finally {
		await run.end();
	}
	return run.report;
}

class Run {
	readonly report: Report;
	readonly #options: SoakOptions;
	readonly #troubles = new Troubles();
	readonly #over = new AbortController();
	readonly #hands: Hand[] = [];
	readonly #computers: ModelComputer[];
	readonly #directory = mkdtempSync(join(tmpdir(), "lms-soak-"));
	readonly #prefix: string;
	readonly #began = performance.now();
	#engine: OwnEngine | undefined;
	/** Of its host processes: several runs go on in one process. */
	#env: Readonly<Record<string, string>> = {};
	#place: Place | undefined;
	#before: readonly string[] = [];

	constructor(options: SoakOptions) {
		this.#options = options;
		const { driver, seed } = options;
		this.report = { driver, seed, seconds: 0, operations: {}, kills: {}, pruned: [], remains: [], last: [] };
		this.#prefix = `soak-${process.pid}-${seed}`;
		const lanes = Array.from({ length: HANDS * LANES_PER_HAND }, (_, lane) => lane);
		const names = [...FILES, ...FOLDER.map((name) => `folder/${name}`)];
		const paths = lanes.flatMap((lane) => names.map((name) => pathOf(lane, name)));
		this.#computers = Array.from({ length: COMPUTERS }, (_, i) => new ModelComputer(`${this.#prefix}-${i}`, paths));
	}

	async begin(): Promise<void> {
		const { driver, seed } = this.#options;
		for (const name of ["state", "tmp", "scratch"]) mkdirSync(join(this.#directory, name));
		// Only root can mount a disk for an engine of the run's own; without one, host processes alone are killed.
		if (process.getuid?.() === 0) this.#engine = await ownEngine(driver, DISK_MB);
		const state = driver === "namespace" && this.#engine !== undefined ? this.#engine.directory : join(this.#directory, "state");
		this.#env = { ...this.#engine?.env, LMS_COMPUTER_STATE_DIR: state, TMPDIR: join(this.#directory, "tmp") };
		const shell = seed % 2 === 0 ? {} : { env: { LMS_SHELL: "/bin/sh" } };
		const open: OpenOptions = { driver, preset: "none", ...(driver === "namespace" ? shell : { image: IMAGE }) };
		for (let i = 0; i < HANDS; i++) {
			const hand = this.#hand(open);
			hand.onNotice = (notice) => this.#note(`notice ${i}: ${notice}`);
			this.#hands.push(hand);
		}
		this.#place = {
			driver,
			prefix: this.#prefix,
			env: this.#env,
			engineDirectory: this.#engine?.directory,
			directories: [state, join(this.#directory, "tmp")],
		};
		// What the first computer makes for all: an image, an owner's id.
		const first = this.#hand(open);
		this.#hands.push(first);
		const name = `${this.#prefix}-first`;
		await first.call("open", { name }, HANG_MS);
		await first.call("remove", { name }, HANG_MS);
		await first.end(HANG_MS);
		this.#hands.splice(this.#hands.indexOf(first), 1);
		this.#before = await remains(this.#place);
	}

	#hand(open: OpenOptions): Hand {
		return new Hand(open, { env: this.#env });
	}

	async go(): Promise<void> {
		const { driver, seed, durationMs, signal } = this.#options;
		const stop = () => this.#over.abort();
		const timers = [setTimeout(stop, durationMs), setInterval(() => this.#progress(), 5_000)];
		signal?.addEventListener("abort", stop, { once: true });
		if (signal?.aborted) stop();
		const lanes = this.#hands.flatMap((hand, i) =>
			Array.from({ length: LANES_PER_HAND }, (_, j) => this.#lane(i * LANES_PER_HAND + j, hand)),
		);
		const onKill = (kill: Kill, detail: string) => {
			this.report.kills[kill] = (this.report.kills[kill] ?? 0) + 1;
			this.#note(`kill ${kill} ${detail}`);
		};
		const onMachines = () => {
			for (const computer of this.#computers) computer.generation++;
		};
		const chaosSeed = mixed(seed, HANDS * LANES_PER_HAND, 0);
		const all = { driver, seed: chaosSeed, hands: this.#hands, engine: this.#engine, troubles: this.#troubles, onKill, onMachines };
		const results = await Promise.allSettled([...lanes, chaos(all, this.#over.signal)]);
		for (const timer of timers) clearTimeout(timer);
		signal?.removeEventListener("abort", stop);
		this.report.seconds = Math.round((performance.now() - this.#began) / 1000);
		for (const result of results) if (result.status === "rejected") throw result.reason;
	}

	/** Everything that was acknowledged is still there, seen by a process that has not been there before. */
	async verify(): Promise<void> {
		if (this.#options.signal?.aborted) return;
		await new Promise((resolve) => setTimeout(resolve, UNCERTAIN_MS));
		const hand = this.#hand(this.#hands[0]?.options ?? {});
		this.#hands.push(hand);
		for (const [i, computer] of this.#computers.entries()) {
			const step = this.#step("verify", i, i, hand, computer);
			for (const path of computer.files.keys()) await readFile(step, path);
		}
	}

	fail(error: unknown): void {
		this.report.violation ??=
			error instanceof Violation ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
	}

	async end(): Promise<void> {
		const { report } = this;
		try {
			const leftOpen = await Promise.all(this.#hands.map((hand) => hand.end(20_000)));
			if (this.#place !== undefined) await this.#clear();
			const more = this.#place === undefined ? [] : await this.#remains(this.#place);
			report.remains = [...leftOpen.filter((line) => line !== undefined), ...more];
		} catch (error) {
			this.fail(error);
		} finally {
			await this.#engine?.remove();
			await rm(this.#directory, { recursive: true, force: true });
		}
	}

	/** What goes goes in moments: what is still there after a while stays. */
	async #remains(place: Place): Promise<readonly string[]> {
		for (let tries = 0; ; tries++) {
			const before = [...this.#before];
			const now = await remains(place);
			// Docker's own, which it never finds again: its daemon was killed between a container's creation and its start, or while it mounted the layer in which a new
			// container gets its /etc/hosts and the like. Neither has a name by which it could be asked for, and both end with the engine's own storage.
			const lost = (line: string) =>
				this.#options.driver === "docker" &&
				this.report.kills.engine !== undefined &&
				(line === "process runc init" || /^mount \S+\/overlay2\/[0-9a-f]{64}-init\/merged$/.test(line));
			const more = now.filter((line) => {
				const at = before.indexOf(line);
				if (at >= 0) before.splice(at, 1);
				return at < 0 && !lost(line);
			});
			if (more.length === 0 || tries === 20) return more;
			await new Promise((resolve) => setTimeout(resolve, 500));
		}
	}

	async #clear(): Promise<void> {
		const last = this.#hand(this.#hands[0]?.options ?? {});
		try {
			const names = await last.call<string[]>("list", {}, HANG_MS);
			for (const name of names.filter((name) => name.startsWith(this.#prefix))) await last.call("remove", { name }, HANG_MS);
			// Of nobody else's engine.
			if (this.#engine === undefined) return;
			const pruned = await last.call<{ found: string[]; failed: string[] }>("prune", {}, HANG_MS);
			this.report.pruned = pruned.found;
			if (pruned.failed.length > 0) this.fail(new Error(`could not be pruned: ${pruned.failed.join("; ")}`));
		} finally {
			const kept = await last.end(20_000);
			if (kept !== undefined) this.fail(new Error(kept));
		}
	}

	async #lane(lane: number, hand: Hand): Promise<void> {
		const exported: Step["exported"] = new Map();
		try {
			for (let n = 0; !this.#over.signal.aborted; n++) {
				const random = randomFrom(mixed(this.#options.seed, lane, n));
				const operation = drawn(WEIGHTS, random());
				const run = OPERATIONS[operation]?.[1] as (step: Step) => Promise<void>;
				const computer = this.#computers[Math.floor(random() * COMPUTERS)] as ModelComputer;
				const step = this.#step(operation, lane, n, hand, computer, random, exported);
				if (computer.there === false) computer.there = undefined;
				const calm = computer.calm();
				mkdirSync(step.scratch);
				try {
					await run(step);
				} finally {
					rmSync(step.scratch, { recursive: true, force: true });
				}
				if (operation === "open" && calm()) computer.there = true;
			}
		} catch (error) {
			// The others end too; what went wrong first is what counts.
			this.fail(error);
			this.#over.abort();
			throw error;
		}
	}

	#step(
		operation: string,
		lane: number,
		n: number,
		hand: Hand,
		computer: ModelComputer,
		random: () => number = () => 0,
		exported: Step["exported"] = new Map(),
	): Step {
		const began = performance.now();
		const own = `${operation} of lane ${lane}`;
		const scopes = [computer.name];
		const tally = this.report.operations[operation] ?? { ok: 0, excused: {} };
		this.report.operations[operation] = tally;
		const violation = (message: string) => new Violation(`${operation} ${lane}.${n} on ${computer.name}: ${message}`);
		const other = this.#computers[Math.floor(random() * COMPUTERS)] as ModelComputer;
		if (operation === "fork") scopes.push(other.name);
		return {
			lane,
			token: `${lane}.${n}`,
			computer,
			other,
			random,
			exported,
			violation,
			scratch: join(this.#directory, "scratch", `${operation}-${lane}-${n}`),
			undisturbed: () => this.#troubles.since(began, scopes, own).length === 0,
			attempt: async <T>(call: string, args: object = {}, expected: readonly string[] = []): Promise<Outcome<T>> => {
				const what = `${lane}.${n} ${operation} ${computer.name.slice(this.#prefix.length + 1)} ${JSON.stringify(args).slice(0, 120)}`;
				this.#note(`${what} …`);
				const start = performance.now();
				try {
					const value = await hand.call<T>(call, { ...args, name: computer.name }, HANG_MS);
					tally.ok++;
					this.#note(`${what}: ok, ${Math.round(performance.now() - start)} ms`);
					return { ok: true, value };
				} catch (error) {
					if (!(error instanceof CallFailed)) throw error;
					const { code } = error;
					this.#note(`${what}: ${code}, ${Math.round(performance.now() - start)} ms: ${error.message.slice(0, 200)}`);
					const excused = expected.includes(code) || code === "killed" || this.#troubles.excuses(code, began, scopes, own);
					if (!excused) throw violation(`${code}: ${error.message}`);
					tally.excused[code] = (tally.excused[code] ?? 0) + 1;
					return { ok: false, code };
				}
			},
			upheaval: (of) => {
				const over = this.#troubles.begin(own, of.name);
				const done = of.beginUpheaval();
				return (certain) => {
					over(certain ? 0 : UNCERTAIN_MS);
					if (certain) done();
					else setTimeout(done, UNCERTAIN_MS).unref();
				};
			},
		};
	}

	#note(line: string): void {
		const { last } = this.report;
		// After the violation the others come to their end; that is no news.
		if (this.report.violation !== undefined) return;
		const stamped = `${((performance.now() - this.#began) / 1000).toFixed(3)} ${line}`;
		this.#options.onLine?.(stamped);
		last.push(stamped);
		if (last.length > LAST) last.shift();
	}

	#progress(): void {
		this.report.seconds = Math.round((performance.now() - this.#began) / 1000);
		this.#options.onProgress?.(this.report);
	}
}

class Violation extends Error {}

/** One number of several. */
function mixed(...numbers: readonly number[]): number {
	let state = 0;
	for (const number of numbers) state = Math.floor(randomFrom((state ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0)() * 2 ** 32);
	return state;
}
