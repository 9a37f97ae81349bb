/** Where a computer's machine is: one name on one driver. Sees to it that a machine is there and runs. */
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { expectSignal } from "./agent/abort.js";
import type {
	Abortable,
	CreateOptions,
	Driver,
	LiveSettings,
	Machine,
	MachineInfo,
	MachineSpec,
	Progress,
	RebuildOptions,
	Sight,
} from "./driver.js";
import { ComputerError, isComputerError } from "./errors/index.js";
import type { LifeRecord } from "./journal.js";
import { DEADLINES, LIFE } from "./limits.js";
import { Notices } from "./notices.js";
import { inTurn } from "./turn.js";

export interface SlotOptions {
	readonly driver: Driver;
	readonly name: string;
	/** What a missing machine is made from; without it a missing machine is `machine_gone`. */
	readonly spec?: MachineSpec | undefined;
	/** How many machines of one's own the driver may have when one is made; 0 is no limit. Default 100. */
	readonly maxComputers?: number | undefined;
	/** Already attached. */
	readonly machine?: Machine | undefined;
	/** Looked for just now, and not there. */
	readonly missing?: boolean | undefined;
	/** And running, and made for this slot. */
	readonly created?: boolean | undefined;
	/** And running a moment ago. */
	readonly running?: boolean | undefined;
}

/** Each turn of `ready` answers one surprise: made by another process, removed, broken. More than these is no coincidence. */
const MAX_TURNS = 5;
const BROKEN_MS = 200;
const GOES_ON = "the machine was paused and goes on";
const REMOVED = "the machine was removed from outside and has been made anew; its files are gone";

export class Slot {
	readonly driver: Driver;
	readonly name: string;
	/** Is told what becomes of the machine. */
	tell: (type: LifeRecord["type"], text: string) => void = () => {};
	/** Started, made anew, a limit that was not applied. */
	readonly notices = new Notices();
	/** What is true of the machine all along is noted once. */
	readonly #warned = new Set<string>();
	readonly maxComputers: number;
	#spec: MachineSpec | undefined;
	#machine: Machine | undefined;
	/** Running a moment ago, so that a connect need not ask. */
	#checked = false;
	#created = false;
	#missing: boolean;
	#lastStep = "";
	/** A notice says already why the agent is a new one. */
	#explained = false;
	#pending: Promise<void> = Promise.resolve();
	#hurry = new AbortController();

	constructor(options: SlotOptions) {
		this.driver = options.driver;
		this.name = options.name;
		this.#spec = options.spec;
		this.maxComputers = options.maxComputers ?? LIFE.maxComputers;
		this.#machine = options.machine;
		this.#created = options.created ?? false;
		this.#missing = options.missing ?? false;
		this.#checked = this.#created || (options.running ?? false);
	}

	/** The last `ready` made it. */
	get created(): boolean {
		return this.#created;
	}

	/** The machine as far as it is known. */
	get attached(): Machine | undefined {
		return this.#machine;
	}

	get machine(): Machine {
		if (this.#machine !== undefined) return this.#machine;
		throw new ComputerError("machine_gone", `the computer "${this.name}" no longer exists`);
	}

	note(notice: string, lasting = false): void {
		this.tell("notice", notice);
		this.notices.add(notice, lasting);
	}

	/** Of a machine: they stay true, and are said once. */
	noteWarnings(warnings: readonly string[]): void {
		for (const warning of warnings) {
			if (this.#warned.has(warning)) continue;
			this.#warned.add(warning);
			this.note(warning, !this.#created);
		}
	}

	/** The agent is another one than before, or the first. */
	booted(first: boolean): void {
		if (!first && !this.#explained) this.note("the machine was started anew from outside; its shells are fresh");
		this.#explained = false;
	}

	#explain(notice: string): void {
		this.note(notice);
		this.#explained = true;
	}

	/** Attaches to the machine or makes it, and starts it unless it runs. */
	ready(options: CreateOptions): Promise<void> {
		return inTurn(`${this.driver.name}/${this.name}`, options.signal, async () => {
			this.#created = false;
			for (let turn = 0; turn < MAX_TURNS; turn++) {
				try {
					if (await this.#settle(options)) return;
				} catch (error) {
					// Another process was faster: what it made or removed is looked at anew.
					if (isComputerError(error, "machine_gone")) await this.#lookAgain(error, options.signal);
					else if (!isComputerError(error, "already_exists")) throw error;
				}
			}
			throw new ComputerError("machine_failed", `expected the computer "${this.name}" to stay, but it keeps being removed or breaking`);
		});
	}

	/** Lets a machine go on that was paused. */
	resume(): Promise<void> {
		return inTurn(`${this.driver.name}/${this.name}`, undefined, async () => {
			const { state } = await this.machine.inspect();
			if (state !== "paused") return;
			await this.machine.start();
			this.note(GOES_ON);
		});
	}

	async standsStill(): Promise<boolean> {
		return (await this.#machine?.standsStill?.()) ?? false;
	}

	/** Does something with the machine in whatever state: with the one that has its name now, if another holder rolled it back. */
	async use<T>(run: (machine: Machine) => Promise<T>, signal?: AbortSignal): Promise<T> {
		expectSignal(signal);
		const before = this.#machine;
		try {
			return await run(this.machine);
		} catch (error) {
			if (!isComputerError(error, "machine_gone")) throw error;
			const found = await this.driver.attach(this.name, { signal });
			// Not with the one that is held by now: another call may have found it meanwhile.
			if (found === undefined || found.id === before?.id) throw error;
			this.#machine = found;
			return await run(found);
		}
	}

	/**
	 * Does something that nobody is to wait for, one after the other, and not while the call that comes next needs the engine too. What comes next of its
	 * kind tries it again, so a failure is only told.
	 */
	later(what: string, run: () => Promise<void>): void {
		const { signal } = this.#hurry;
		this.#pending = this.#pending
			.then(() => pause(LIFE.laterMs, undefined, { signal }).catch(() => {}))
			.then(run)
			.catch((error: Error) => this.note(`${what} was not possible: ${error.message}`));
	}

	/** Does it at once. */
	async settled(): Promise<void> {
		this.#hurry.abort();
		await this.#pending;
		this.#hurry = new AbortController();
	}

	/**
	 * What its machine is made from.
	 * @param seen of it, just now
	 */
	async settings(options: Abortable, seen?: Sight): Promise<MachineSpec> {
		const settings = seen === undefined ? await this.use((machine) => machine.settings(options), options.signal) : seen.settings;
		if (settings !== undefined) return settings;
		const { halfRemoved } = await this.use((machine) => machine.inspect(options), options.signal);
		if (halfRemoved) throw new ComputerError("machine_gone", `The computer ${this.name} was removed`, { context: { name: this.name } });
		throw new ComputerError("not_supported", `The computer ${this.name} does not say what it was made from`, {
			hint: "It was made by another version of lms-computer, or is broken. Remove it and make it anew.",
			context: { name: this.name },
		});
	}

	/** What a missing machine is to be made from from now on. */
	expect(spec: MachineSpec): void {
		if (this.#spec !== undefined) this.#spec = spec;
	}

	async reconfigure(changes: LiveSettings, options: Abortable): Promise<void> {
		await this.use((machine) => machine.reconfigure(changes, options), options.signal);
		if (this.#spec !== undefined) this.#spec = { ...this.#spec, ...changes };
	}

	async setNetwork(network: MachineSpec["network"], options: Abortable): Promise<void> {
		await this.use((machine) => machine.setNetwork(network, options), options.signal);
		if (this.#spec !== undefined) this.#spec = { ...this.#spec, network };
	}

	/** Refuses another machine where there are too many. */
	async expectRoom(options: Abortable): Promise<void> {
		const max = this.maxComputers;
		const count = max === 0 ? 0 : await this.driver.count(options);
		if (max === 0 || count < max) return;
		throw new ComputerError("limit_reached", `Expected at most ${max} computers on ${this.driver.name}, there are ${count}`, {
			hint: "Remove some (`lms-computer ls`, `rm`, `prune`), or raise `maxComputers` (LMS_COMPUTER_MAX_COMPUTERS, --max-computers).",
			context: { driver: this.driver.name, count, limit: max },
		});
	}

	/** Calls wait meanwhile; no notice, since it was asked for. */
	restart(options: Abortable): Promise<void> {
		return inTurn(`${this.driver.name}/${this.name}`, options.signal, async () => {
			this.#checked = false;
			this.#machine = await this.use((machine) => machine.restart(options), options.signal);
			this.#explained = true;
		});
	}

	/** Puts the machine anew, with other settings, in its own place. */
	async rebuild(spec: MachineSpec, options: RebuildOptions): Promise<void> {
		const files = options.keepFiles ? "its files were kept" : "its files are gone";
		await this.replace(
			(machine) => machine.rebuild(spec, options),
			() => `the computer was rebuilt and ${files}: programs that ran have ended and its shells are fresh`,
			options,
		);
		if (this.#spec !== undefined) this.#spec = spec;
	}

	/** Puts another, running machine in the place of this one; calls wait meanwhile. */
	replace(run: (machine: Machine) => Promise<Machine>, notice: () => string, { signal }: Abortable): Promise<void> {
		return inTurn(`${this.driver.name}/${this.name}`, signal, async () => {
			this.#checked = false;
			this.#machine = await this.use(run, signal);
			this.#checked = true;
			this.#explain(notice());
		});
	}

	/** Begins with a byte stream to the agent, of a machine that runs by then. */
	async connect<T>(begin: (stream: Duplex) => Promise<T>, options: CreateOptions): Promise<T> {
		const deadline = Date.now() + DEADLINES.downMs;
		for (let pauseMs = 25; ; pauseMs = Math.min(2 * pauseMs, 400)) {
			if (!this.#checked) await this.ready(options);
			this.#checked = false;
			try {
				return await begin(await this.machine.connect(options));
			} catch (error) {
				// It was on its way down: an engine goes on to say that it runs until it has been told of its end. Or it was full for a moment.
				const passing = isComputerError(error, "machine_gone") || isComputerError(error, "limit_reached");
				const doubtful = isComputerError(error, "machine_failed");
				if (Date.now() > deadline || !(passing || doubtful)) throw error;
				await pause(pauseMs, undefined, { signal: options.signal }).catch(() => {});
				if (doubtful && (await this.#runs(options))) throw error;
			}
		}
	}

	/** What cannot be reached in it may be so because it has ended since. */
	async #runs({ signal }: Abortable): Promise<boolean> {
		try {
			return (await this.machine.inspect({ signal })).state === "running";
		} catch (error) {
			if (isComputerError(error, "machine_gone")) return false;
			throw error;
		}
	}

	/** One step; true when the machine runs. */
	async #settle(options: CreateOptions): Promise<boolean> {
		const { signal } = options;
		if (!this.#missing) this.#machine ??= await this.driver.attach(this.name, { signal });
		this.#missing = false;
		if (this.#machine === undefined) {
			if (this.#spec === undefined) throw new ComputerError("machine_gone", `the computer "${this.name}" no longer exists`);
			const admitted = this.expectRoom({ signal });
			admitted.catch(() => {}); // the driver waits for it, unless something else is wrong first
			this.#machine = await this.driver.create(this.#spec, { ...options, admitted, onProgress: (step) => this.#step(step, options) });
			this.tell("created", `created with ${this.driver.name}`);
			this.#created = true;
			this.#checked = true;
			return true;
		}
		const info = await this.#machine.inspect({ signal });
		this.noteWarnings(info.warnings);
		// Broken for another reason, a record that can not be read, say, it may have all its files: it is left alone, and its start says what is wrong.
		if (info.halfRemoved && this.#spec !== undefined) {
			if (await this.#isAnother(info, signal)) return false;
			await this.#machine.remove({ signal });
			this.#machine = undefined;
			this.#explain("the machine had been removed by half and was made anew; its files are gone");
			return false;
		}
		if (info.state !== "running") {
			options.onProgress?.({ phase: "start", message: `starting ${this.name}` });
			if (!(await this.#start(this.#machine, signal))) return true;
			this.tell("started", "started");
			if (info.state === "paused") this.note(GOES_ON);
			else this.#explain("the machine was stopped and has been started; its shells are fresh");
		}
		this.#checked = true;
		return true;
	}

	/** False when it could not be started any more, and another one with its files has its place and runs. */
	async #start(machine: Machine, signal: AbortSignal | undefined): Promise<boolean> {
		try {
			await machine.start({ signal });
			return true;
		} catch (error) {
			const spec =
				isComputerError(error, "machine_failed") && error.context["startable"] === false ? await machine.settings({ signal }) : undefined;
			if (spec === undefined) throw error;
			this.#machine = await machine.rebuild(spec, { keepFiles: true, signal });
			this.#checked = true;
			this.#explain("the machine could not be started any more and was made anew with its files; its shells are fresh");
			return false;
		}
	}

	/** A machine that somebody else is removing looks removed by half, and what has its name a moment later is another one, which is not to be removed. */
	async #isAnother({ id, createdAt }: MachineInfo, signal: AbortSignal | undefined): Promise<boolean> {
		await pause(BROKEN_MS, undefined, { signal }).catch(() => {});
		this.#machine = await this.driver.attach(this.name, { signal });
		if (this.#machine === undefined) this.#explain(REMOVED);
		const now = await this.#machine?.inspect({ signal });
		return now?.halfRemoved !== true || now.id !== id || now.createdAt !== createdAt;
	}

	#step(step: Progress, { onProgress }: CreateOptions): void {
		onProgress?.(step);
		// A pull says how far it is many times; what it does is told once.
		if (step.message !== this.#lastStep) this.tell("progress", step.message);
		this.#lastStep = step.message;
	}

	/** The machine went: by its removal, or by a rollback elsewhere, after which another one has its name. */
	async #lookAgain(gone: ComputerError, signal: AbortSignal | undefined): Promise<void> {
		const before = this.#machine;
		this.#machine = await this.driver.attach(this.name, { signal });
		if (this.#machine === undefined && this.#spec === undefined) throw gone;
		if (before === undefined || before === this.#machine) return;
		this.#explain(
			this.#machine === undefined
				? this.#spec?.persistence === "ephemeral"
					? "the machine had ended with all its files, as ephemeral ones do, and was made anew"
					: REMOVED
				: "the machine was rolled back or made anew from outside; its shells are fresh",
		);
	}
}
