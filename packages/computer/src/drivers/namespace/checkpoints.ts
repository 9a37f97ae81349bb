import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type {
	Abortable,
	Checkpoint,
	CheckpointStore,
	ForkOptions,
	Machine,
	MachineSpec,
	RollbackOptions,
	RolledBack,
	StoredCheckpoint,
} from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { runAgent } from "./agent.js";
import { eraseBelow } from "./erase.js";
import { createRecord, directoryTime, type MachineRecord, readJson } from "./record.js";

const SCHEMA = 1;
const TOKEN = /^[0-9a-f]{12}$/;
const RECORD = "checkpoint.json";
/** What is unfinished for so long belongs to a process that was killed. */
const ABANDONED_MS = DEADLINES.checkpointMs + 60_000;
/** How often a machine that somebody else starts meanwhile is stopped again before a rollback gives up. */
const ROLLBACK_ATTEMPTS = 3;

/** The machine that checkpoints belong to. */
export interface Owner extends Machine {
	readonly directory: string;
	record(): Promise<MachineRecord>;
	/** @returns what the agent says: `started`, or `running` when somebody else was quicker */
	boot(spec: MachineSpec & { readonly next?: string }, options?: Abortable): Promise<unknown>;
	discard(options?: Abortable): Promise<void>;
	/** Stops it, and an ephemeral one keeps its files. */
	halt(options?: Abortable): Promise<void>;
}

/** Checkpoints as copies below the machine's directory: see docs/decisions/0004-checkpoints.md and guest/internal/boot/checkpoint.go. */
export class NamespaceCheckpoints implements CheckpointStore {
	readonly #owner: Owner;
	readonly #root: string;
	readonly #agentPath: () => string;
	readonly #machineOf: (name: string) => Owner;

	constructor(owner: Owner, root: string, agentPath: () => string, machineOf: (name: string) => Owner) {
		this.#owner = owner;
		this.#root = root;
		this.#agentPath = agentPath;
		this.#machineOf = machineOf;
	}

	async make(label: string, options: Abortable = {}): Promise<Checkpoint> {
		await this.#removeAbandoned();
		const id = newToken();
		const path = join("checkpoints", `.new-${id}`);
		await this.#makeDirectory("checkpoints", true);
		return await this.#orErase(path, async () => {
			const unfinished = await this.#makeDirectory(path);
			const sizeBytes = await this.#copy(undefined, unfinished, options);
			const checkpoint: Checkpoint = { id, label, createdAt: Date.now(), sizeBytes };
			await writeFile(join(unfinished, RECORD), JSON.stringify({ schema: SCHEMA, ...checkpoint }), { mode: 0o600 });
			await rename(unfinished, this.#path("checkpoints", id));
			return checkpoint;
		});
	}

	async list(_options?: Abortable): Promise<readonly StoredCheckpoint[]> {
		if ((await directoryTime(this.#owner.directory)) === undefined) throw this.#gone();
		const base = await readFile(this.#path("base"), "utf8").catch(() => "");
		const names = await readdir(this.#path("checkpoints")).catch(() => []);
		const found = await Promise.all(names.map((name) => this.#read(name, base)));
		return found.flatMap((one) => one ?? []).sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id));
	}

	async remove(id: string, options: Abortable = {}): Promise<void> {
		await this.#find(id);
		await this.#erase(join("checkpoints", id), options);
	}

	async rollback(id: string, options: RollbackOptions = {}): Promise<RolledBack> {
		options.onFound?.(await this.#find(id));
		await this.#removeAbandoned();
		const { spec } = await this.#owner.record();
		const next = newToken();
		// The longest step, while the machine still runs.
		return await this.#orErase(`next.${next}`, async () => {
			const ready = await this.#makeDirectory(`next.${next}`);
			await this.#copy(id, ready, options);
			await writeFile(join(ready, "base"), id, { mode: 0o600 });
			for (let attempt = 1; attempt <= ROLLBACK_ATTEMPTS; attempt++) {
				await this.#owner.halt();
				if ((await this.#owner.boot({ ...spec, next })) === "started") return { machine: this.#owner, tidy: async () => {} };
			}
			throw new ComputerError("busy", `The machine ${this.#owner.name} was to be rolled back, and somebody else keeps starting it`);
		});
	}

	async fork(id: string | undefined, name: string, options: ForkOptions = {}): Promise<Machine> {
		if (id !== undefined) await this.#find(id);
		const { spec } = await this.#owner.record();
		const machine = this.#machineOf(name);
		if ((await directoryTime(machine.directory)) !== undefined) {
			throw new ComputerError("already_exists", `A machine named ${name} is there already`, { context: { name } });
		}
		const forked = { ...spec, ...options.changes, name };
		await createRecord(this.#root, forked, this.#agentPath, async (unfinished) => {
			await this.#copy(id, unfinished, options);
		});
		try {
			await machine.boot(forked, options);
			return machine;
		} catch (error) {
			await machine.discard().catch(() => {});
			throw error;
		}
	}

	/** @returns the bytes copied */
	async #copy(checkpoint: string | undefined, target: string, { signal }: Abortable): Promise<number> {
		const order = { directory: this.#owner.directory, checkpoint: checkpoint ?? "", target };
		const answer = await runAgent(this.#agentPath(), ["boot", "copy"], order, { signal, deadlineMs: DEADLINES.checkpointMs });
		return typeof answer["bytes"] === "number" ? answer["bytes"] : 0;
	}

	async #erase(name: string, options: Abortable = {}): Promise<void> {
		await eraseBelow(this.#agentPath, this.#owner.directory, name, options);
	}

	/** Nothing is left of what fails. */
	async #orErase<T>(name: string, run: () => Promise<T>): Promise<T> {
		try {
			return await run();
		} catch (error) {
			await this.#erase(name).catch(() => {});
			// What it was to be put in went meanwhile.
			throw (error as NodeJS.ErrnoException).code === "ENOENT" ? this.#gone() : error;
		}
	}

	async #removeAbandoned(): Promise<void> {
		const names = async (directory: string) => await readdir(this.#path(directory)).catch(() => []);
		const unfinished = (await names("checkpoints")).filter((name) => !TOKEN.test(name)).map((name) => join("checkpoints", name));
		const ready = (await names(".")).filter((name) => name.startsWith("next."));
		for (const name of [...unfinished, ...ready]) {
			const found = await stat(this.#path(name)).catch(() => undefined);
			if (found !== undefined && found.ctimeMs < Date.now() - ABANDONED_MS) await this.#erase(name);
		}
	}

	async #makeDirectory(name: string, mayExist = false): Promise<string> {
		const path = this.#path(name);
		await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT") throw this.#gone();
			if (error.code !== "EEXIST" || !mayExist) throw error;
		});
		return path;
	}

	async #find(id: string): Promise<Checkpoint> {
		const found = (await this.list()).find((one) => one.id === id);
		if (found !== undefined) return found;
		const { name } = this.#owner;
		throw new ComputerError("not_found", `The machine ${name} has no checkpoint ${JSON.stringify(id.slice(0, 60))}`, {
			hint: "List its checkpoints: the oldest ones go when there are too many.",
			context: { name, checkpoint: id },
		});
	}

	/** Undefined for what is not finished. */
	async #read(id: string, base: string): Promise<StoredCheckpoint | undefined> {
		if (!TOKEN.test(id)) return undefined;
		const record = (await readJson(this.#path("checkpoints", id, RECORD))) as Partial<Checkpoint & { schema: number }> | undefined;
		const { schema, label, createdAt, sizeBytes } = record ?? {};
		if (schema !== SCHEMA || typeof label !== "string" || typeof createdAt !== "number") return undefined;
		return { id, label, createdAt, ...(typeof sizeBytes === "number" ? { sizeBytes } : {}), inUse: id === base };
	}

	#path(...names: string[]): string {
		return join(this.#owner.directory, ...names);
	}

	#gone(): ComputerError {
		const { name, driver } = this.#owner;
		return new ComputerError("machine_gone", `The machine ${name} was removed`, { context: { driver, name } });
	}
}

function newToken(): string {
	return randomBytes(6).toString("hex");
}
