import type { ContainerInspectInfo } from "dockerode";
import type { Abortable, Checkpoint, CheckpointStore, Machine, MachineSpec, StoredCheckpoint } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import {
	commitFiles,
	dropTag,
	dropTags,
	holdImage,
	newToken,
	noCheckpoint,
	ownBytes,
	plainId,
	type Tag,
	tagsOf,
	toCheckpoint,
} from "./checkpoint-images.js";
import { containerName, containerOptions } from "./container-options.js";
import { canceled } from "./deadline.js";
import type { Engine } from "./engine.js";
import { LABELS, specOf } from "./labels.js";
import { appliedLimits } from "./machine-info.js";
import { attachedNetwork } from "./network.js";
import { removeContainer } from "./remove-container.js";
import { removeStandIns, standInName } from "./stand-ins.js";

/** The machine of a container by its id and the computer's name. */
export type MachineOf = (id: string, name: string) => Machine;

/** Checkpoints of one container: see docs/decisions/0004-checkpoints.md. */
export class EngineCheckpoints implements CheckpointStore {
	readonly #engine: Engine;
	readonly #id: string;
	readonly #name: string;
	readonly #machineOf: MachineOf;

	constructor(engine: Engine, id: string, name: string, machineOf: MachineOf) {
		this.#engine = engine;
		this.#id = id;
		this.#name = name;
		this.#machineOf = machineOf;
	}

	async make(label: string, { signal }: Abortable = {}): Promise<Checkpoint> {
		if (signal?.aborted) throw canceled("make a checkpoint", signal);
		const tag = await commitFiles(this.#engine, this.#id, { kind: "checkpoint", name: this.#name, token: newToken() }, label);
		if (!signal?.aborted) return await this.#describe(tag);
		await dropTag(this.#engine, tag);
		throw canceled("make a checkpoint", signal);
	}

	async list(options: Abortable = {}): Promise<readonly StoredCheckpoint[]> {
		const [container, tags] = await Promise.all([this.#inspect(options), this.#tags(options)]);
		const used = plainId(container.Image);
		const found = await Promise.all(tags.map(async (tag) => ({ ...(await this.#describe(tag, options)), inUse: tag.imageId === used })));
		return found.sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id));
	}

	async remove(id: string, options: Abortable = {}): Promise<void> {
		await dropTag(this.#engine, await this.#find(id, options));
	}

	async rollback(id: string, options: Abortable = {}): Promise<Machine> {
		const engine = this.#engine;
		const [checkpoint, before] = await Promise.all([this.#find(id, options), this.#inspect(options)]);
		await removeStandIns(engine, this.#name, this.#id, options);
		const held = await holdImage(engine, checkpoint.imageId, this.#name, options);
		const token = newToken();
		let next: Machine | undefined;
		const old = this.#machineOf(this.#id, this.#name);
		try {
			next = await this.#create(before, held, this.#spec(before), standInName("rollback", this.#name, token), options);
			if (options.signal?.aborted) throw canceled("roll back", options.signal);
			// From here on it is finished or undone, whatever the caller wishes.
			await old.stop();
			await next.start();
			await this.#rename(old.id, standInName("replaced", this.#name, token));
			await this.#rename(next.id, containerName(this.#name));
		} catch (error) {
			if (next !== undefined) await removeContainer(engine, next.id, this.#name).catch(() => {});
			await dropTag(engine, held).catch(() => {});
			await this.#restore(old, before).catch(() => {});
			throw error;
		}
		await removeContainer(engine, old.id, this.#name);
		await dropTags(engine, this.#name, (tag) => tag.kind === "checkpoint" || tag.token === held.token);
		return next;
	}

	async fork(id: string | undefined, name: string, options: Abortable = {}): Promise<Machine> {
		const engine = this.#engine;
		const before = await this.#inspect(options);
		const spec = { ...this.#spec(before), name };
		const held =
			id === undefined
				? await commitFiles(engine, this.#id, { kind: "machine", name, token: newToken() }, "")
				: await holdImage(engine, (await this.#find(id, options)).imageId, name, options);
		let made: Machine | undefined;
		try {
			made = await this.#create(before, held, spec, containerName(name), options);
			await made.start(options);
			return made;
		} catch (error) {
			if (made !== undefined) await removeContainer(engine, made.id, name).catch(() => {});
			await dropTag(engine, held).catch(() => {});
			if (!isComputerError(error, "already_exists")) throw error;
			throw new ComputerError("already_exists", `A machine named ${name} is there already`, { cause: error, context: { name } });
		}
	}

	/** A container from a kept image, with everything else as in another one. */
	async #create(like: ContainerInspectInfo, held: Tag, spec: MachineSpec, name: string, options: Abortable): Promise<Machine> {
		const { dialect } = this.#engine;
		const [facts, image] = await Promise.all([
			this.#engine.facts(options),
			this.#engine.call(
				"look at a checkpoint",
				(docker, abortSignal) => docker.getImage(held.imageId).inspect({ abortSignal } as object),
				options,
			),
		]);
		const path = image.Config.Env?.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
		const { [LABELS.agent]: agentHash = "", [LABELS.lacks]: lacks = "" } = like.Config.Labels;
		const prepared = { id: held.imageId, agentHash, path, lacks };
		const wanted = containerOptions(dialect, spec, prepared, appliedLimits(like), facts);
		const create = { ...wanted, name, Labels: { ...wanted.Labels, [LABELS.held]: held.token } };
		// Not the caller's signal: a request given up halfway can leave a container whose id nobody knows.
		const { id } = await this.#engine.call(`create the machine ${spec.name}`, (docker, abortSignal) =>
			docker.createContainer({ ...create, abortSignal }),
		);
		return this.#machineOf(id, spec.name);
	}

	/** The machine of before under its name again, and running if it ran. */
	async #restore(old: Machine, before: ContainerInspectInfo): Promise<void> {
		const name = before.Name.replace(/^\//, "");
		const { Name } = await this.#inspect({});
		if (Name.replace(/^\//, "") !== name) await this.#rename(old.id, name);
		if (before.State.Running) await old.start();
	}

	async #rename(id: string, name: string): Promise<void> {
		await this.#engine.call(`rename the machine ${this.#name}`, (docker, abortSignal) =>
			docker.getContainer(id).rename({ name, abortSignal }),
		);
	}

	async #inspect(options: Abortable): Promise<ContainerInspectInfo> {
		return await this.#engine.call(
			`inspect the machine ${this.#name}`,
			(docker, abortSignal) => docker.getContainer(this.#id).inspect({ abortSignal }),
			options,
		);
	}

	#spec(container: ContainerInspectInfo): MachineSpec {
		const spec = specOf(container.Config.Labels);
		if (spec !== undefined) return { ...spec, network: attachedNetwork(container) };
		throw new ComputerError("not_supported", `The machine ${this.#name} does not say what it was made from`, {
			hint: "It was made by another version of lms-computer. Make the computer anew.",
		});
	}

	async #tags(options: Abortable): Promise<readonly Tag[]> {
		return (await tagsOf(this.#engine, this.#name, options)).filter(({ kind }) => kind === "checkpoint");
	}

	async #find(id: string, options: Abortable): Promise<Tag> {
		const found = (await this.#tags(options)).find(({ token }) => token === id);
		if (found === undefined) throw noCheckpoint(this.#name, id);
		return found;
	}

	async #describe(tag: Tag, options: Abortable = {}): Promise<Checkpoint> {
		const sizeBytes = await ownBytes(this.#engine, tag.imageId, options);
		return { ...toCheckpoint(tag), ...(sizeBytes === undefined ? {} : { sizeBytes }) };
	}
}
