import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import type { Abortable, CheckpointStore, LiveSettings, Machine, MachineInfo, MachineSpec, RebuildOptions } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { DEADLINES, LIFE } from "../../limits.js";
import { softDiskLimit } from "../soft-disk-limit.js";
import { runAgent } from "./agent.js";
import { NamespaceCheckpoints, type Owner } from "./checkpoints.js";
import { connectSocket, isReady, limitSupervised, renameSupervised, resumeSupervised, stopSupervisor, supervisedState } from "./control.js";
import { within } from "./deadline.js";
import { rebuildMachine } from "./rebuild.js";
import { directoryTime, lacksRecord, type MachineRecord, readRecord, readWarnings, writeRecord } from "./record.js";

/** How often a machine that someone else starts again meanwhile is stopped before `remove` gives up. */
const REMOVE_ATTEMPTS = 20;

/** Beside the machines' own: what of the host is copied once for all of them; see guest/internal/boot/shared.go. */
const COPIES = "namespace-etc";

type BootSpec = MachineSpec & { readonly next?: string };

/** When its agent ends by itself; see guest/internal/life. */
function agentTimes({ persistence, idleStopMs }: MachineSpec) {
	const { unheldMs, unclaimedMs } = persistence === "ephemeral" ? LIFE : { unheldMs: 0, unclaimedMs: 0 };
	return { unheldMs, unclaimedMs, idleStopMs };
}

/** A machine is its directory; everything else about it is asked from the kernel each time. */
export class NamespaceMachine implements Owner {
	readonly id: string;
	readonly name: string;
	readonly driver = "namespace";
	readonly checkpoints: CheckpointStore;
	readonly directory: string;
	made: MachineInfo | undefined;
	readonly #agentPath: () => string;

	constructor(root: string, name: string, agentPath: () => string) {
		this.id = name;
		this.name = name;
		this.directory = join(root, name);
		this.#agentPath = agentPath;
		this.checkpoints = new NamespaceCheckpoints(this, root, agentPath, (other) => new NamespaceMachine(root, other, agentPath));
	}

	async inspect(options: Abortable = {}): Promise<MachineInfo> {
		const made = await directoryTime(this.directory);
		if (made === undefined) throw this.#gone("was removed");
		const [record, warnings, supervised] = await Promise.all([
			readRecord(this.directory),
			readWarnings(this.directory),
			supervisedState(this.#control, options.signal),
		]);
		const asleep = record === undefined ? "broken" : "stopped";
		const createdAt = record?.createdAt ?? made;
		const info = this.#describe(supervised ?? asleep, createdAt, warnings, record?.spec.diskBytes ?? 0);
		return info.state === "broken" && (await lacksRecord(this.directory)) ? { ...info, halfRemoved: true } : info;
	}

	async start(options: Abortable = {}): Promise<void> {
		const deadline = within(DEADLINES.engineMs, `the machine ${this.name} to be up`, options.signal);
		try {
			if (await isReady(this.#control, deadline.signal)) return await resumeSupervised(this.#control, deadline.signal);
			const record = await this.record();
			await this.boot(record.spec, { signal: deadline.signal });
		} finally {
			deadline.done();
		}
	}

	/** Two who boot at the same time get one machine: the kernel gives its lock to one of them, the other waits for it to be up. */
	async boot(spec: BootSpec, options: Abortable = {}): Promise<unknown> {
		return (await this.#boot(spec, options))["status"];
	}

	/** The first start of one whose record was made just now. */
	async bootNew(spec: MachineSpec, options: Abortable): Promise<void> {
		const { status, warnings } = await this.#boot(spec, options);
		if (status !== "started") return; // somebody else's start
		this.made = this.#describe("running", Date.now(), Array.isArray(warnings) ? warnings.map(String) : [], spec.diskBytes);
	}

	#describe(state: MachineInfo["state"], createdAt: number, warnings: readonly string[], diskBytes: number): MachineInfo {
		return {
			id: this.id,
			name: this.name,
			driver: this.driver,
			state,
			image: "host",
			createdAt,
			own: true,
			network: "none",
			warnings: [...warnings, ...softDiskLimit(diskBytes)],
		};
	}

	async #boot(spec: BootSpec, options: Abortable): Promise<Record<string, unknown>> {
		return await runAgent(
			this.#agentPath(),
			["boot"],
			{ ...spec, ...agentTimes(spec), directory: this.directory, shared: join(dirname(dirname(this.directory)), COPIES) },
			{ ...options, deadlineMs: DEADLINES.engineMs },
		);
	}

	async stop(options: Abortable = {}): Promise<void> {
		const spec = (await readRecord(this.directory))?.spec;
		await this.#end("stop", options);
		if (spec?.persistence !== "ephemeral" && (await directoryTime(this.directory)) === undefined) throw this.#gone("was removed");
	}

	async halt(options: Abortable = {}): Promise<void> {
		await this.#end("halt", options);
		if ((await directoryTime(this.directory)) === undefined) throw this.#gone("was removed");
	}

	async restart(options: Abortable = {}): Promise<Machine> {
		await this.halt(options);
		await this.start(options);
		return this;
	}

	async settings(_options?: Abortable): Promise<MachineSpec | undefined> {
		return (await readRecord(this.directory))?.spec;
	}

	async reconfigure(changes: LiveSettings, options: Abortable = {}): Promise<void> {
		const record = await this.record();
		const { idleStopMs: _, ...limits } = changes;
		if (Object.keys(limits).length > 0) await this.#limit(limits, record.spec, options);
		await writeRecord(this.directory, { ...record, spec: { ...record.spec, ...changes } });
	}

	async rebuild(spec: MachineSpec, options: RebuildOptions): Promise<Machine> {
		return await rebuildMachine(this, spec, options);
	}

	/** Bytes of all that it has written, its checkpoints too. */
	async size(options: Abortable = {}): Promise<number> {
		const order = { directory: this.directory };
		const answer = await runAgent(this.#agentPath(), ["boot", "size"], order, { ...options, deadlineMs: DEADLINES.checkpointMs });
		return typeof answer["bytes"] === "number" ? answer["bytes"] : 0;
	}

	async #limit(limits: LiveSettings, before: MachineSpec, options: Abortable): Promise<void> {
		const deadline = within(DEADLINES.engineMs, `new limits of the machine ${this.name}`, options.signal);
		try {
			await limitSupervised(this.#control, limits, deadline.signal);
		} catch (error) {
			const old = Object.fromEntries(Object.keys(limits).map((key) => [key, before[key as keyof LiveSettings]]));
			await limitSupervised(this.#control, old, deadline.signal).catch(() => {});
			throw error;
		} finally {
			deadline.done();
		}
	}

	async #end(how: "stop" | "halt", options: Abortable): Promise<void> {
		// TERM, the grace and KILL are the supervisor's; the rest is for the kernel to let go of the processes and of their mounts. The unmount of
		// an overlay writes back all that is dirty on the disk below it, which may take its time.
		const deadline = within(DEADLINES.stopGraceMs + DEADLINES.engineMs, `the machine ${this.name} to be stopped`, options.signal);
		try {
			await stopSupervisor(this.#control, how, deadline.signal);
		} finally {
			deadline.done();
		}
	}

	async setNetwork(network: MachineSpec["network"], _options?: Abortable): Promise<void> {
		if (network === "none") return;
		throw new ComputerError("not_supported", `The namespace driver has no network for ${this.name}`, {
			hint: "Give it an allow-list instead, which needs no network; `lms-computer port` reaches its ports.",
			context: { driver: this.driver },
		});
	}

	async remove(options: Abortable = {}): Promise<void> {
		for (let attempt = 1; (await directoryTime(this.directory)) !== undefined; attempt++) {
			try {
				await this.stop(options);
				await this.discard(options);
				return;
			} catch (error) {
				if (isComputerError(error, "machine_gone")) continue;
				if (!isComputerError(error, "busy") || attempt === REMOVE_ATTEMPTS) throw error;
			}
		}
	}

	/**
	 * Removes a machine that does not run; `busy` when it does. The agent does it: it holds the lock meanwhile, and names need not be UTF-8. It waits for a
	 * copy that is under way, and its checkpoints are as many files again each.
	 */
	async discard(options: Abortable = {}): Promise<void> {
		const deadlineMs = 2 * DEADLINES.checkpointMs;
		await runAgent(this.#agentPath(), ["boot", "remove"], { directory: this.directory }, { ...options, deadlineMs });
	}

	async claim(name: string, options: Abortable = {}): Promise<Machine> {
		const record = await this.record();
		const deadline = within(DEADLINES.engineMs, `the name of the machine ${name}`, options.signal);
		try {
			await writeRecord(this.directory, { ...record, spec: { ...record.spec, name } });
			if (!(await renameSupervised(this.#control, name, deadline.signal))) throw this.#gone("does not run");
		} finally {
			deadline.done();
		}
		return new NamespaceMachine(dirname(this.directory), name, this.#agentPath);
	}

	async connect(options: Abortable = {}): Promise<Duplex> {
		const socket = await connectSocket(join(this.directory, "agent.sock"), options.signal);
		if (socket === undefined) throw this.#gone("does not run");
		return socket;
	}

	/** What it was made from. */
	async record(): Promise<MachineRecord> {
		const record = await readRecord(this.directory);
		if (record === undefined) throw await this.#unreadable();
		return record;
	}

	get #control(): string {
		return join(this.directory, "control.sock");
	}

	#gone(what: string): ComputerError {
		return new ComputerError("machine_gone", `The machine ${this.name} ${what}`, { context: { driver: this.driver, name: this.name } });
	}

	async #unreadable(): Promise<ComputerError> {
		if ((await directoryTime(this.directory)) === undefined) return this.#gone("was removed");
		const context = { driver: this.driver, name: this.name };
		if (await lacksRecord(this.directory)) {
			return new ComputerError("machine_failed", `The machine ${this.name} has no record any more: its removal was cut short`, {
				hint: "Remove the computer and make it anew.",
				context,
			});
		}
		return new ComputerError("machine_failed", `The record of ${this.name} can not be read; its files are untouched`, {
			hint: `${this.directory}/machine.json is damaged, or of another version of lms-computer. \`lms-computer rm ${this.name}\` removes it with all its files, for good.`,
			context,
		});
	}
}
