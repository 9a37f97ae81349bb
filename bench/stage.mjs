/** What figures share: computers and containers that are made when the first of them asks, and removed in the end. */
import { diagnose, openComputer } from "lms-computer";
import { measure, round } from "./measure.mjs";
import { cli, SentinelShell, startContainer } from "./peers.mjs";

export const IMAGE = process.env.LMS_TEST_IMAGE_BASH ?? "debian:bookworm-slim";

export class Stage {
	/** Those of docker, podman, namespace that are usable here. */
	drivers = [];
	/** For everything that is made: `bench-<pid>-`. */
	prefix = `bench-${process.pid}-`;
	quick;
	results = [];
	skipped = [];
	#made = new Map();
	#scrap = [];
	#count = 0;

	constructor(quick) {
		this.quick = quick;
	}

	async begin(only) {
		const reports = await diagnose();
		for (const { name, availability } of reports) {
			if (only !== undefined && !only.includes(name)) continue;
			if (availability.usable) this.drivers.push(name);
			else this.skip(name, availability.reason);
		}
	}

	has(driver) {
		return this.drivers.includes(driver);
	}

	skip(what, reason) {
		if (this.skipped.some((one) => one.what === what)) return;
		this.skipped.push({ what, reason });
		console.error(`skipped ${what}: ${reason}`);
	}

	/** What to run before all is removed, the last first. */
	later(undo) {
		this.#scrap.push(undo);
	}

	#once(key, make) {
		if (!this.#made.has(key)) this.#made.set(key, make());
		return this.#made.get(key);
	}

	/** A computer that all figures share. */
	computer(driver) {
		return this.#once(driver, async () => this.fresh(driver));
	}

	/** One of its own. */
	async fresh(driver, options = {}) {
		const computer = await openComputer({ ...this.options(driver), ...options });
		this.later(() => computer.remove());
		return computer;
	}

	/** Of a computer that is not there yet. */
	options(driver) {
		return { name: `${this.prefix}${++this.#count}`, driver, image: IMAGE, ...(driver === "namespace" ? {} : { preset: "none" }) };
	}

	/** A plain container, through dockerode. */
	container() {
		return this.#once("container", async () => {
			const container = await startContainer(IMAGE);
			this.later(() => container.remove({ force: true }));
			return container;
		});
	}

	podmanContainer() {
		return this.#once("podman container", async () => {
			const id = (await cli("podman", "run", "-d", "--network", "none", IMAGE, "sleep", "infinity")).stdout.trim();
			this.later(() => cli("podman", "rm", "-f", "-t", "0", id));
			return id;
		});
	}

	/** `docker exec -i` with a sentinel. */
	async dockerShell() {
		const { id } = await this.container();
		return this.#shell("docker shell", "docker", ["exec", "-i", id, "bash"]);
	}

	/** The floor: a bash of this host behind pipes. */
	localShell() {
		return this.#shell("local shell", "bash", ["--noprofile", "--norc"]);
	}

	#shell(key, program, args) {
		return this.#once(key, async () => {
			const shell = new SentinelShell(program, args);
			this.later(() => shell.close());
			return shell;
		});
	}

	/** The same for every driver: `lms-computer, docker`. */
	async ours(way) {
		const entries = [];
		for (const driver of this.drivers) {
			const computer = await this.computer(driver);
			entries.push([ours(driver), () => way(computer, driver)]);
		}
		return Object.fromEntries(entries);
	}

	rounds(full, quick = Math.max(3, Math.ceil(full / 5))) {
		return this.quick ? quick : full;
	}

	/** Times ways against each other and keeps the result. Short ones, ours, are called several times a round. */
	async compare(name, title, ways, { goals = [], batch = 1, note, ...options }) {
		const figures = await measure(ways, { ...options, batch: (way) => (way.startsWith("lms-computer") ? batch : 1) });
		this.keep({ name, title, ways: figures, goals, note });
	}

	/** @param result `ways` with `medianMs`, or `values` of any unit */
	keep(result) {
		const goals = (result.goals ?? []).flatMap((goal) => judge(goal, result));
		const { goals: _, ...rest } = result;
		this.results.push({ ...rest, goals });
		return this.results.at(-1);
	}

	async end() {
		for (const undo of this.#scrap.splice(0).reverse()) {
			await Promise.resolve(undo()).catch((error) => console.error(`left behind: ${error.message}`));
		}
	}
}

export function ours(driver) {
	return `lms-computer, ${driver}`;
}

/**
 * A goal is about one way: `{ way, against, times }` wants at least so many times faster, `{ way, against, share }` at most that share of the time,
 * `{ way, ms, of }` at most so many ms, `{ value, atMost }` and `{ value, atLeast }` a value.
 */
function judge(goal, { ways = {}, values = {} }) {
	const { way, against, value } = goal;
	if (value !== undefined) {
		const got = values[value]?.value;
		if (got === undefined || got === null) return [];
		return [{ text: goal.text, got, met: goal.atMost === undefined ? got >= goal.atLeast : got <= goal.atMost }];
	}
	const mine = ways[way];
	if (mine === undefined || mine.medianMs === null || (against !== undefined && !ways[against])) return [];
	if (goal.ms !== undefined) {
		const got = mine[goal.of ?? "medianMs"];
		return [{ text: goal.text, got, met: got <= goal.ms && mine.failed === 0 }];
	}
	const theirs = ways[against].medianMs;
	const got = round(goal.times === undefined ? mine.medianMs / theirs : theirs / mine.medianMs);
	return [{ text: goal.text, got, met: goal.times === undefined ? got <= goal.share : got >= goal.times }];
}
