import { Commands } from "./agent/commands.js";
import type { Connection } from "./agent/connection.js";
import { Environment } from "./agent/environment.js";
import { exec } from "./agent/exec.js";
import type { ExecOptions, SpawnOptions } from "./agent/exec-options.js";
import type { ExecResult } from "./agent/exec-result.js";
import { type Execution, spawn } from "./agent/execution.js";
import { Files } from "./agent/files.js";
import { type ComputerInfo, computerInfo } from "./agent/info.js";
import { AgentLink } from "./agent/link.js";
import { Meter, type Metrics, type Tool, type ToolsOptions } from "./agent/metrics.js";
import { Processes } from "./agent/processes.js";
import { Sessions } from "./agent/sessions.js";
import { Terminals } from "./agent/terminals.js";
import type { Changes } from "./agent/tree.js";
import { type Forward, type ForwardOptions, Forwards } from "./agent/tunnel.js";
import { applyChange } from "./apply-change.js";
import { compare, type MachineOptions, needsRebuild, OPTION_NAMES, pickLive, pickNamed, withOptions } from "./changes.js";
import {
	type CheckpointOptions,
	diffCheckpoint,
	forkSlot,
	listCheckpoints,
	makeCheckpoint,
	removeCheckpoint,
	rollBack,
} from "./checkpoints.js";
import type { Abortable, Checkpoint, CreateOptions, DriverName, MachineInfo, MachineSpec } from "./driver.js";
import { type Lease, leaseDriver } from "./drivers/registry.js";
import { Digest } from "./egress/digest.js";
import { type DecisionListener, Egress, type EgressState } from "./egress/egress.js";
import { expectAllow } from "./egress/presets.js";
import { expectSecrets } from "./egress/secrets.js";
import { isComputerError } from "./errors/index.js";
import { type ComputerEvent, Events } from "./events.js";
import { expectKeys, expectOneOf, expectWhole, refuse } from "./expect.js";
import { Journal, type JournalRecord, type LifeRecord, readJournal, removeJournal } from "./journal.js";
import { JOURNAL } from "./limits.js";
import type { Notices } from "./notices.js";
import { expectReachable } from "./options/ports.js";
import { newComputerName, type OpenOptions } from "./options.js";
import { Planted } from "./planted.js";
import type { Slot } from "./slot.js";
import { forget, remember } from "./whereabouts.js";

/** What `exec` does where nothing else is asked for. */
type CallDefaults = Pick<OpenOptions, "timeoutMs" | "maxOutputBytes">;

export interface RebuildComputerOptions extends MachineOptions, CreateOptions {
	/** Default true. An image is files: another one needs false. */
	readonly keepFiles?: boolean | undefined;
}

/**
 * A Linux computer. It lives in its machine, not here: several holders can use it at once, and closing this handle ends
 * a connection, nothing else. Every method rejects with a ComputerError. A lost connection is made anew by the next call,
 * which also starts a stopped machine. Like a database client, an open computer keeps the process alive: close it.
 */
export class Computer {
	readonly name: string;
	readonly driver: DriverName;
	readonly files: Files;
	readonly sessions: Sessions;
	readonly terminals: Terminals;
	/** Running and finished ones, whoever started them. */
	readonly commands: Commands;
	readonly processes: Processes;
	readonly environment: Environment;
	readonly #slot: Slot;
	readonly #lease: Lease;
	readonly #link: AgentLink;
	readonly #forwards: Forwards;
	readonly #meter: Meter;
	readonly #events: Events;
	readonly #journal: Journal;
	readonly #egress: Egress;
	/** @internal Looked at after each command here, and after each tool. */
	readonly planted: Planted;
	/** @internal `notices`, for a reader that tells each once. */
	readonly news: Notices;
	readonly #calls: CallDefaults;
	#outdated: readonly (keyof MachineOptions)[] = [];
	#removed = false;

	/** @internal openComputer and findComputer make them. */
	constructor(slot: Slot, lease: Lease, calls: CallDefaults = {}, connection?: Connection) {
		this.#calls = { timeoutMs: calls.timeoutMs, maxOutputBytes: calls.maxOutputBytes };
		this.name = slot.name;
		this.driver = slot.driver.name;
		this.#slot = slot;
		this.news = slot.notices;
		this.#lease = lease;
		this.#link = new AgentLink({
			connect: (begin, options) => slot.connect(begin, options),
			onBoot: (first) => slot.booted(first),
			onSilence: () => slot.resume(),
			standsStill: () => slot.standsStill(),
			onConnect: (connection) => this.#egress.connected(connection),
		});
		this.#egress = new Egress({ name: this.name, driver: this.driver, link: this.#link, note: (notice) => slot.note(notice) });
		this.planted = new Planted((notice) => slot.note(notice));
		if (connection !== undefined) this.#link.adopt(connection);
		this.files = new Files(this.#link);
		this.sessions = new Sessions(this.#link);
		this.terminals = new Terminals(this.#link);
		this.commands = new Commands(this.#link, (command, state) => this.#journal.command("job", command, state));
		this.environment = new Environment(this.#link);
		this.processes = new Processes(this.#link);
		this.#meter = new Meter(this.#link);
		this.#forwards = new Forwards(this.#link);
		this.#events = new Events(this.#link);
		this.#journal = new Journal(this.name, this.driver);
		slot.tell = (type, text) => this.#tell(type, text);
		const digest = new Digest();
		this.#egress.onDecision((decision) => {
			const line = digest.line(decision);
			if (line !== undefined) this.#tell("network", line);
		});
	}

	/** What the user should know about the machine: limits that were not applied, that it was started or made anew. The latest 100. */
	get notices(): readonly string[] {
		return this.news.latest;
	}

	/** Runs a command in a session's shell and waits for its result. A non-zero exit and a timeout are results. */
	async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
		const connection = this.#link.get(options.signal);
		const { timeoutMs = this.#calls.timeoutMs, maxOutputBytes = this.#calls.maxOutputBytes } = options;
		const settings = { ...options, timeoutMs, maxOutputBytes };
		const result = await exec(connection instanceof Promise ? await connection : connection, command, settings);
		this.#journal.ended(command, result);
		await this.planted.look();
		return result;
	}

	/** Runs a command whose output is read as it comes. Resolves when it has started. No timeout unless given. */
	async spawn(command: string, options: SpawnOptions = {}): Promise<Execution> {
		const execution = await spawn(await this.#link.get(options.signal), command, options);
		const ended = execution.settled.then((result) => {
			this.#journal.ended(command, result);
			return this.planted.look();
		});
		ended.catch(() => {}); // its caller hears of it
		return execution;
	}

	/**
	 * What happens from now on: commands that begin and end, whoever runs them, and what this holder does to the computer. Starts nothing. A loop over it ends
	 * with its `break`, with this holder (`close`, `remove`), or with the signal, which it throws.
	 */
	events(options: Abortable = {}): AsyncIterable<ComputerEvent> {
		return this.#events.read(options);
	}

	/** What was run here and what became of it, by this and other processes of this host: the latest records, oldest first. */
	async history(max: number = JOURNAL.maxRecords): Promise<readonly JournalRecord[]> {
		return await readJournal(this.name, this.driver, expectWhole("max", max, 1, JOURNAL.maxRecords));
	}

	#tell(type: LifeRecord["type"], text: string): void {
		this.#events.emit({ type, text });
		this.#journal.life(type, text);
	}

	/** Listens on this host and joins every connection to a port in the guest, which needs no network for it. Until it or the computer is closed. */
	async forward(guestPort: number, options: ForwardOptions = {}): Promise<Forward> {
		return this.#forwards.open(guestPort, options);
	}

	/** What it may reach, and by which of the words that were given. */
	async network(): Promise<EgressState> {
		return await this.#egress.state();
	}

	/**
	 * Changes what it may reach while it runs: nothing, everything, or an allow-list of rules and presets in place of the one before. Counts at once, for every
	 * holder. A machine that was made with an open network goes on without it, and has it and its published ports back the same way; one that was made
	 * without is made anew: its files are kept, programs end, and a notice says so. `not_supported` where the machine can not change.
	 */
	async setNetwork(network: MachineSpec["network"] | { readonly allow: readonly string[] }, options: Abortable = {}): Promise<EgressState> {
		const allow = typeof network === "object" && network !== null ? expectAllow("allow", network.allow) : undefined;
		const own = allow === undefined ? expectOneOf('network, "none", "open" or { allow: [...] }', network, ["none", "open"]) : "none";
		await this.#switchNetwork(own, options);
		await this.#follow({ network: allow === undefined ? own : { allow } }, options);
		const state = await this.#egress.state();
		this.#tell("network", state.on ? `allow-list: ${state.allow.map(({ word }) => word).join(", ") || "nothing"}` : own);
		return state;
	}

	/** An allow-list and secrets are of this host: the machine's own network was seen to. */
	async #follow({ network, secrets }: MachineOptions, options: Abortable): Promise<readonly string[]> {
		const own = secrets && expectSecrets("secrets", secrets);
		if (typeof network === "object")
			return await this.#egress.set({ allow: expectAllow("network.allow", network.allow), secrets: own }, options);
		if (network !== undefined && !own?.length) return await this.#egress.off(options);
		if (own === undefined) return [];
		return await this.#egress.set({ allow: network && [], secrets: own }, options);
	}

	async #switchNetwork(network: MachineSpec["network"], options: Abortable): Promise<void> {
		try {
			await this.#slot.setNetwork(network, options);
		} catch (error) {
			if (!isComputerError(error, "not_supported") || error.context["rebuild"] !== true) throw error;
			const has = await this.#slot.settings(options);
			this.#link.drop();
			await this.#slot.rebuild({ ...has, network }, { ...options, keepFiles: true });
		}
	}

	/** Hears of every connection that this holder decides on, until the answer is called. */
	onDecision(listener: DecisionListener): () => void {
		return this.#egress.onDecision(listener);
	}

	/** @internal For openComputer: what its caller asks for. */
	async askNetwork(options: Pick<OpenOptions, "network" | "secrets" | "signal">, made: boolean): Promise<void> {
		const { network, signal } = options;
		const allow = network === undefined ? undefined : typeof network === "object" ? expectAllow("network.allow", network.allow) : [];
		const secrets = options.secrets === undefined ? undefined : expectSecrets("secrets", options.secrets);
		await this.#egress.ask(allow, secrets, made, { signal });
	}

	/** From the inside: system, memory, disk. */
	async info(options: Abortable = {}): Promise<ComputerInfo> {
		const connection = await this.#link.get(options.signal);
		return computerInfo(await connection.json("GET", "/v1/info", undefined, options.signal));
	}

	/** What it uses now: CPU, memory, processes, disk, network. */
	async metrics(options: Abortable = {}): Promise<Metrics> {
		return this.#meter.metrics(options);
	}

	/** The well-known tools that it has, found on the PATH. */
	async tools(options: ToolsOptions = {}): Promise<readonly Tool[]> {
		return this.#meter.tools(options);
	}

	/** From the outside: what the driver knows of the machine. Starts nothing. */
	async inspect(options: Abortable = {}): Promise<MachineInfo> {
		return await this.#slot.use((machine) => machine.inspect(options), options.signal);
	}

	/** Connects, starting the machine if it must. Calls do so by themselves. */
	async start(options: Abortable = {}): Promise<void> {
		await this.#link.get(options.signal);
	}

	/** Ends every shell and command; files are kept, but those of an ephemeral computer. The next call starts it again. */
	async stop(options: Abortable = {}): Promise<void> {
		await this.#slot.use((machine) => machine.stop(options), options.signal);
		this.#link.drop();
		this.#tell("stopped", "stopped");
	}

	/** Ends every shell and command and starts it again; files and directories of shells are kept, those of an ephemeral computer too. */
	async restart(options: Abortable = {}): Promise<void> {
		this.#link.expectOpen();
		this.#link.drop();
		await this.#slot.restart(options);
		await this.#link.get(options.signal);
	}

	/**
	 * Applies what can be applied while it runs: cpus, memoryBytes, pids, idleStopMs, secrets and, on most drivers, the network. Answers, for people, what was changed, what could not be, and what
	 * only `rebuild` changes. What is not named stays.
	 */
	async reconfigure(options: MachineOptions & Abortable): Promise<readonly string[]> {
		const { signal, ...named } = options;
		expectKeys("the options", named, OPTION_NAMES);
		const told = await this.#reconfigure(named, { signal });
		const followed = await this.#follow(named, { signal });
		return [...told, ...followed.map((one) => `allow-list: ${one}`)];
	}

	/** Options of the opening, or of the last `reconfigure`, that differ from what it is and that only `rebuild` changes. */
	get outdated(): readonly (keyof MachineOptions)[] {
		return this.#outdated;
	}

	/** @internal */
	async adopt(options: OpenOptions, settings?: Promise<MachineSpec>): Promise<void> {
		for (const notice of await this.#reconfigure(pickNamed(options), { signal: options.signal }, settings)) this.#slot.note(notice);
	}

	async #reconfigure(named: MachineOptions, options: Abortable, settings = this.#slot.settings(options)): Promise<readonly string[]> {
		const has = await settings;
		await this.planted.watch(has.folders);
		const wanted = await withOptions(has, named);
		const { live, rest } = compare(has, wanted);
		const told: string[] = [];
		this.#slot.expect({ ...wanted, ...pickLive(has) });
		// What one limit can not have is no reason against the others.
		this.#outdated = rest.map(({ key }) => key);
		for (const change of live) {
			const { what, outdated } = await applyChange(this.#slot, this.#link, change, wanted, options);
			told.push(what);
			if (outdated) this.#outdated = [...this.#outdated, change.key];
		}
		return [...told, ...rest.map(needsRebuild)];
	}

	/**
	 * Makes it anew with other settings: those named here, and else those that it has. With its files as they are unless `keepFiles` is false. Programs end,
	 * checkpoints stay.
	 */
	async rebuild(options: RebuildComputerOptions = {}): Promise<void> {
		const { keepFiles = true, signal, onProgress, ...named } = options;
		expectKeys("the options", named, OPTION_NAMES);
		if (typeof keepFiles !== "boolean") refuse("keepFiles", "true or false", keepFiles);
		const has = await this.#slot.settings({ signal });
		const spec = await withOptions(has, named);
		if (named.ports !== undefined) expectReachable(spec, await this.#lease.probe({ signal }));
		await this.planted.watch([...has.folders, ...spec.folders]);
		this.#link.drop();
		await this.#slot.rebuild(spec, { keepFiles, signal, onProgress });
		await this.planted.watch(spec.folders);
		this.#outdated = this.#outdated.filter((key) => named[key] === undefined);
		await this.#follow(named, { signal });
	}

	/** The computer and all its files are gone; this handle is closed. Idempotent. */
	async remove(options: Abortable = {}): Promise<void> {
		if (this.#removed) return;
		// By name: another holder may have rolled it back, and the machine is another one since.
		await this.#slot.settled();
		const machine = (await this.#slot.driver.attach(this.name, options)) ?? this.#slot.attached;
		await machine?.remove(options);
		this.#removed = true;
		this.#events.emit({ type: "removed", text: "removed" });
		await Promise.all([forget(this.name, this.driver), removeJournal(this.name, this.driver), this.#egress.forget()]);
		await this.close();
	}

	/** Saves the state of the files: a machine that runs stands still for it and goes on. The oldest ones beyond a bound are removed. */
	async checkpoint(label = "", options: CheckpointOptions = {}): Promise<Checkpoint> {
		const made = await makeCheckpoint(this.#slot, label, options);
		this.#tell("checkpoint", label === "" ? made.id : `${made.id} ${label}`);
		return made;
	}

	/** Oldest first. */
	async checkpoints(options: Abortable = {}): Promise<readonly Checkpoint[]> {
		return await listCheckpoints(this.#slot, options);
	}

	/** The files are as they were at the checkpoint; programs that ran have ended, shells are fresh. `not_found` for what is not one of its own. */
	async rollback(id: string, options: Abortable = {}): Promise<void> {
		await rollBack(this.#slot, id, () => this.#link.drop(), options);
		this.#tell("rollback", id);
	}

	/** A new, running computer on the same driver with the files of a checkpoint, or of now, and without published ports. Both go their own ways. */
	async fork(id: string | undefined, name: string, options: Abortable = {}): Promise<Computer> {
		newComputerName(name);
		const lease = await leaseDriver(this.driver);
		try {
			const slot = await forkSlot(this.#slot, id, name, () => this.#egress.copyTo(name), options);
			await remember(slot.name, this.driver);
			this.#tell("fork", `${id ?? "now"} as ${slot.name}`);
			const fork = new Computer(slot, lease, this.#calls);
			fork.#egress.knows(this.#egress);
			return fork;
		} catch (error) {
			await lease.release();
			throw error;
		}
	}

	/** What was added, changed and deleted since the checkpoint. /tmp and what is in memory do not count. */
	async diff(id: string, options: Abortable = {}): Promise<Changes> {
		return await diffCheckpoint(this.#slot, id, await this.#link.get(options.signal), options);
	}

	/** A machine that was rolled back to it, or forked from it, is not touched. */
	async removeCheckpoint(id: string, options: Abortable = {}): Promise<void> {
		await removeCheckpoint(this.#slot, id, options);
	}

	/** @internal By this holder, for good. */
	get closed(): boolean {
		return this.#link.closed;
	}

	/** Ends the connection, and with it what this holder still runs. The computer lives on. Idempotent. */
	async close(): Promise<void> {
		await this.#egress.leave();
		this.#link.close();
		this.#journal.close();
		this.#egress.close();
		await Promise.all([this.#forwards.close(), this.#slot.settled()]);
		await this.#lease.release();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}
