import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { ContainerInspectInfo } from "dockerode";
import type {
	Abortable,
	CheckpointStore,
	DriverName,
	LiveSettings,
	Machine,
	MachineInfo,
	MachineSpec,
	MachineState,
	RebuildOptions,
	Sight,
} from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { DEADLINES, GUEST_AGENT } from "../../limits.js";
import { ownerId } from "../ownership.js";
import type { EngineContainer } from "./api.js";
import { forgetChanges, readChanges, writeChanges } from "./changed-settings.js";
import { dropTags } from "./checkpoint-images.js";
import type { Limits } from "./container-options.js";
import { containerName } from "./container-options.js";
import { settingsOf } from "./create-container.js";
import { connectDirectly } from "./direct.js";
import { cleanWords } from "./errors.js";
import { openExec } from "./exec.js";
import type { EngineFacts } from "./facts.js";
import { FrameReader } from "./frames.js";
import { isFrozen, untilThawed } from "./frozen.js";
import { specOf } from "./labels.js";
import { readMachineInfo, readState } from "./machine-info.js";
import { switchNetwork } from "./network.js";
import { type Rebuilder, rebuildContainer } from "./rebuild.js";
import { removeContainer } from "./remove-container.js";
import { isBeingSaved, untilSaved } from "./saving.js";
import { checkFolders } from "./shared-folders.js";
import { inspectMachine, removeStandIns } from "./stand-ins.js";
import { endContainer, renameContainer, stopContainer, unless304, unpauseContainer } from "./take-over.js";

const CONNECT = [GUEST_AGENT, "connect"] as const;

/**
 * Podman's words for a container whose stop or start was begun and not brought to its end, because its service was killed: it is still being stopped; its runtime has
 * it already; and it runs already, of which a runtime's own words are not told.
 */
const HALFWAY = /container state improper|container with given ID already exists|\bstart [0-9a-f]{64}` failed: exit status/;

/** The words of an OCI runtime, or of who cannot reach it any more, for a container that its engine takes for running yet. */
const ENDED = /update a stopped container|container not running|(task|process) .*not found|ttrpc: closed/;
const LOOK_MS = 50;

/** A container of ours. It holds nothing but its id: what it is is asked of the engine each time. */
export class EngineMachine implements Machine {
	readonly id: string;
	readonly name: string;
	readonly driver: DriverName;
	readonly checkpoints: CheckpointStore;
	readonly #by: Rebuilder;
	readonly #streams: Set<Duplex>;
	seen: Sight | undefined;
	/** What its engine said last: the first to connect to it need not ask. */
	#latest: ContainerInspectInfo | undefined;

	/** @param streams gets every open stream, for the driver to close */
	constructor(by: Rebuilder, id: string, name: string, streams: Set<Duplex>, checkpoints: CheckpointStore) {
		this.id = id;
		this.name = name;
		this.driver = by.engine.dialect.name;
		this.#by = by;
		this.#streams = streams;
		this.checkpoints = checkpoints;
	}

	async inspect(options: Abortable = {}): Promise<MachineInfo> {
		const container = await this.#container(options);
		this.#latest = container;
		return await this.#describe(container);
	}

	/** What its engine says of it at this moment. */
	async see(container: ContainerInspectInfo): Promise<Sight> {
		const [info, settings] = await Promise.all([this.#describe(container), this.#settings(container)]);
		this.#latest = container;
		this.seen = { info, settings };
		return this.seen;
	}

	async #describe(container: ContainerInspectInfo): Promise<MachineInfo> {
		const { dialect } = this.#by.engine;
		const [owner, changes, state] = await Promise.all([ownerId(), readChanges(dialect, this.id), this.#state(container)]);
		const info = { ...readMachineInfo(container, this.driver, { owner, changes }), state };
		// Nobody has paused it, and it goes on by itself.
		return state === "paused" && (await this.standsStill()) ? { ...info, state: "running" } : info;
	}

	/** As it is, where the engine says that it runs and has forgotten that it stands still. */
	async #state(container: ContainerInspectInfo): Promise<MachineState> {
		const state = readState(container);
		return state === "running" && (await isFrozen(this.#by.engine, container)) ? "paused" : state;
	}

	async #container(options: Abortable) {
		return await inspectMachine(this.#by.engine, this.id, this.name, options).catch(async (error: unknown) => {
			// Somebody else has removed it, or is about to.
			if (isComputerError(error, "machine_gone")) await this.#by.engine.dialect.afterRemove?.(this.id);
			throw error;
		});
	}

	async start(options: Abortable = {}): Promise<void> {
		const container = await this.#container(options);
		const state = await this.#state(container);
		if (state === "running") return;
		await checkFolders(specOf(container.Config.Labels)?.folders ?? []);
		if (state === "broken") {
			const word = JSON.stringify(cleanWords(container.State.Status));
			throw new ComputerError("machine_failed", `The machine ${this.name} can not be started: the engine calls it ${word}`, {
				hint: `Its files may all be there. \`lms-computer rm ${this.name}\` removes it with them, for good.`,
			});
		}
		const goesOn = state === "paused" && (await this.#goOn(options));
		if (!goesOn) await this.#begin(container.HostConfig.AutoRemove === true, options);
	}

	/** False when it can not, and has ended. */
	async #goOn(options: Abortable): Promise<boolean> {
		await untilSaved(this.#by.engine.dialect, this.id, options);
		const now = await untilThawed(this.#by.engine, () => this.#container(options));
		return now.State.Paused ? await unpauseContainer(this.#by.engine, this.id, this.name, options) : readState(now) === "running";
	}

	/** The first start of one that was made just now. */
	async startNew({ persistence }: MachineSpec, options: Abortable): Promise<void> {
		await this.#begin(persistence === "ephemeral", options);
		await this.see(await this.#container(options));
	}

	async #begin(isEphemeral: boolean, options: Abortable): Promise<void> {
		// 304 is "already started": somebody else was quicker.
		const begin = () => this.#call("start", options, (it, abortSignal) => unless304(it.start({ abortSignal })));
		await begin().catch(async (error: Error) => {
			const runs = await this.#runsAnew(undefined, options).catch((gone: unknown) => {
				// Docker removes an ephemeral one whose start fails: what counts is why.
				throw isEphemeral ? error : gone;
			});
			if (runs) return;
			if (/\btask [0-9a-f]+:? already exists|\bid already in use/.test(error.message)) throw stuck(this.name, error);
			if (!HALFWAY.test(error.message)) throw error;
			await endContainer(this.#by.engine, this.id, this.name, options).catch(() => {});
			await begin();
		});
		await this.#limitAgain();
	}

	async standsStill(): Promise<boolean> {
		return await isBeingSaved(this.#by.engine.dialect, this.id);
	}

	async stop(options: Abortable = {}): Promise<void> {
		const { HostConfig } = await this.#container(options);
		await stopContainer(this.#by.engine, this.id, this.name, options);
		// Its engine has it removed in a moment; then it is.
		if (HostConfig.AutoRemove === true) await this.remove(options);
	}

	async restart(options: Abortable = {}): Promise<Machine> {
		const container = await this.#container(options);
		// Podman has it gone with its end, and Docker's removal of it may come too late for its end: it then kills what was started anew.
		if (container.HostConfig.AutoRemove === true) {
			return await this.rebuild(await settingsOf(this.#by.engine, container, this.name), { ...options, keepFiles: true });
		}
		if (container.State.Paused) await unpauseContainer(this.#by.engine, this.id, this.name, options);
		const t = Math.ceil(DEADLINES.stopGraceMs / 1000);
		await this.#call("restart", options, (it, abortSignal) => it.restart({ t, abortSignal })).catch(async (error: Error) => {
			if (await this.#runsAnew(container, options)) return;
			// Another holder is stopping it just now.
			if (!HALFWAY.test(error.message)) throw error;
			await stopContainer(this.#by.engine, this.id, this.name, options);
			await this.#begin(false, options);
		});
		await this.#limitAgain();
		return this;
	}

	/** Another holder began it in the same moment: Podman then says of one of the two that its runtime failed. Of a look that fails too it is the first failure that counts. */
	async #runsAnew(before: ContainerInspectInfo | undefined, options: Abortable): Promise<boolean> {
		const now = await this.#container(options).catch((error: unknown) => {
			if (isComputerError(error, "machine_gone")) throw error;
		});
		return now !== undefined && readState(now) === "running" && now.State.StartedAt !== before?.State.StartedAt;
	}

	async settings(options: Abortable = {}): Promise<MachineSpec | undefined> {
		return await this.#settings(await this.#container(options));
	}

	async #settings(container: ContainerInspectInfo): Promise<MachineSpec | undefined> {
		if (specOf(container.Config.Labels) === undefined) return undefined;
		return await settingsOf(this.#by.engine, container, this.name);
	}

	async reconfigure(changes: LiveSettings, options: Abortable = {}): Promise<void> {
		const { dialect } = this.#by.engine;
		const [{ state }, before, facts] = await Promise.all([
			this.inspect(options),
			readChanges(dialect, this.id),
			this.#by.engine.facts(options),
		]);
		const { idleStopMs: _, ...limits } = changes;
		refuseMissing(limits, facts, this.driver);
		if (dialect.updateLimits.lasts || state === "running") await this.#limit(limits);
		await writeChanges(dialect, this.id, { ...before, ...changes });
	}

	async rebuild(spec: MachineSpec, options: RebuildOptions): Promise<Machine> {
		const next = await rebuildContainer(this.#by, this.id, spec, options);
		await forgetChanges(this.#by.engine.dialect, this.id);
		return next;
	}

	async setNetwork(network: MachineSpec["network"], options: Abortable = {}): Promise<void> {
		await switchNetwork(this.#by.engine, await this.#container(options), this.name, network, options);
	}

	async remove(options: Abortable = {}): Promise<void> {
		const standIns = (more: Abortable) => removeStandIns(this.#by.engine, this.name, this.id, { ...more, all: true });
		// First: one of these would be the machine, as it was once, if this process were killed between the two. And again: one may have been made meanwhile.
		await standIns(options);
		// From here on not the caller's signal: the engine would go on alone, and who has the name next would have the checkpoints.
		await removeContainer(this.#by.engine, this.id, this.name);
		await standIns({});
		await dropTags(this.#by.engine, this.name);
		await forgetChanges(this.#by.engine.dialect, this.id);
	}

	async claim(name: string, _options?: Abortable): Promise<Machine> {
		const { engine } = this.#by;
		// Not the caller's signal: a name given halfway is one that nobody removes.
		await renameContainer(engine, this.id, this.name, containerName(name));
		return this.#by.machineOf(this.id, name);
	}

	async connect(options: Abortable = {}): Promise<Duplex> {
		const action = `connect to the machine ${this.name}`;
		await untilSaved(this.#by.engine.dialect, this.id, options);
		try {
			const stream = (await this.#direct(options)) ?? (await openExec(this.#by.engine, this.id, CONNECT, action, options));
			this.#streams.add(stream);
			stream.once("close", () => this.#streams.delete(stream));
			return stream;
		} catch (error) {
			if (!isComputerError(error, "machine_gone")) throw error;
			const words = await this.#lastWords(options);
			if (words === "") throw error;
			throw new ComputerError("machine_gone", `${error.message}. Its last words: ${words}`, { context: error.context, cause: error });
		}
	}

	/** Every byte through an engine is copied by it twice, and each connection is an exec. */
	async #direct(options: Abortable): Promise<Duplex | undefined> {
		if (!this.#by.engine.isHere) return undefined;
		const latest = this.#latest;
		this.#latest = undefined;
		// What stood then may run since; whether it is still the same process is looked at.
		const container = latest !== undefined && readState(latest) === "running" ? latest : await this.#container(options);
		if (await isFrozen(this.#by.engine, container)) {
			throw new ComputerError("machine_gone", `The machine ${this.name} stands still`, { context: { name: this.name } });
		}
		const { State, Args } = container;
		return State.Running && !State.Paused && State.Pid > 0 ? await connectDirectly(Args ?? [], State.Pid, options.signal) : undefined;
	}

	/** What its engine forgets when a container stops. */
	async #limitAgain(): Promise<void> {
		const { dialect } = this.#by.engine;
		if (dialect.updateLimits.lasts) return;
		const { idleStopMs: _, ...limits } = await readChanges(dialect, this.id);
		await this.#limit(limits);
	}

	async #limit(limits: Partial<Limits>): Promise<void> {
		if (Object.keys(limits).length === 0) return;
		const facts = await this.#by.engine.facts();
		const { updateLimits } = this.#by.engine.dialect;
		for (const endMs = performance.now() + DEADLINES.downMs; ; await pause(LOOK_MS)) {
			try {
				await this.#by.engine.call(`change the limits of the machine ${this.name}`, (docker, abortSignal) =>
					updateLimits.run(docker, this.id, limits, facts, abortSignal),
				);
				return;
			} catch (error) {
				// It is stopped just now: they are set at its next start; or kept, once the engine has heard of its end too.
				if (!updateLimits.lasts && readState(await this.#container({})) !== "running") return;
				if (!ENDED.test((error as Error).message) || performance.now() > endMs) throw error;
			}
		}
	}

	/** The end of what PID 1 said, if the engine still has it. */
	async #lastWords(options: Abortable): Promise<string> {
		const query = { stdout: true, stderr: true, tail: 20, follow: false as const };
		try {
			const log = await this.#call("read the log of", options, (it, abortSignal) => it.logs({ ...query, abortSignal }));
			const parts: Buffer[] = [];
			new FrameReader((_, part) => parts.push(part)).push(Buffer.from(log));
			return cleanWords(Buffer.concat(parts).toString("utf8"));
		} catch {
			return "";
		}
	}

	async #call<T>(verb: string, options: Abortable, run: (container: EngineContainer, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
		return await this.#by.engine.call(
			`${verb} the machine ${this.name}`,
			(docker, abort) => run(docker.getContainer(this.id), abort),
			options,
		);
	}
}

/** Docker was killed in the middle of a start: containerd goes on to have what Docker never finds again, and that container can not be started any more. */
function stuck(name: string, cause: Error): ComputerError {
	return new ComputerError("machine_failed", `The container of the machine ${name} can not be started any more: ${cause.message}`, {
		hint: "Rebuild the computer: its files can be kept.",
		context: { name, startable: false },
		cause,
	});
}

/** A limit that this engine can not set is refused, not left out. */
function refuseMissing(limits: Partial<Limits>, { capabilities, cpus }: EngineFacts, driver: DriverName): void {
	const missing =
		(limits.cpus && !capabilities.limitCpus && "CPUs") ||
		(limits.memoryBytes && !capabilities.limitMemory && "memory") ||
		(limits.pids && !capabilities.limitPids && "processes");
	if (missing) throw new ComputerError("not_supported", `This engine can not limit ${missing}`, { context: { driver } });
	if (limits.cpus && cpus > 0 && limits.cpus > cpus) {
		throw new ComputerError("invalid_argument", `Expected at most the ${cpus} CPUs that the engine has, got ${limits.cpus}`);
	}
}
