import type { ContainerInspectInfo } from "dockerode";
import type { Abortable, Checkpoint, CheckpointStore, ForkOptions, Machine, MachineSpec, StoredCheckpoint } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { forgetChanges } from "./changed-settings.js";
import {
	commitFiles,
	dropTag,
	dropTags,
	holdImage,
	newToken,
	noCheckpoint,
	ownBytes,
	plainId,
	preparedFrom,
	type Tag,
	tagsOf,
	toCheckpoint,
} from "./checkpoint-images.js";
import { containerName } from "./container-options.js";
import { createContainer, limitsLike, settingsOf } from "./create-container.js";
import { canceled } from "./deadline.js";
import type { Engine } from "./engine.js";
import { removeContainer } from "./remove-container.js";
import { removeStandIns, standInName } from "./stand-ins.js";
import { takeOver } from "./take-over.js";

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
		let next: Machine | undefined;
		try {
			const spec = await settingsOf(engine, before, this.#name);
			next = await this.#create(before, held, spec, standInName("rollback", this.#name, newToken()), options);
			if (options.signal?.aborted) throw canceled("roll back", options.signal);
			// From here on it is finished or undone, whatever the caller wishes.
			await takeOver(engine, this.#name, before, next);
		} catch (error) {
			if (next !== undefined) await removeContainer(engine, next.id, this.#name).catch(() => {});
			await dropTag(engine, held).catch(() => {});
			throw error;
		}
		await forgetChanges(engine.dialect, this.#id);
		await dropTags(engine, this.#name, (tag) => tag.kind === "checkpoint" || tag.token === held.token);
		return next;
	}

	async fork(id: string | undefined, name: string, options: ForkOptions = {}): Promise<Machine> {
		const engine = this.#engine;
		const before = await this.#inspect(options);
		const spec = { ...(await settingsOf(engine, before, this.#name)), ...options.changes, name };
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
		const [limits, image] = await Promise.all([
			limitsLike(this.#engine, like, spec, options),
			preparedFrom(this.#engine, held.imageId, like.Config.Labels, options),
		]);
		const id = await createContainer(this.#engine, { spec, image, limits, name, held: held.token }, options);
		return this.#machineOf(id, spec.name);
	}

	async #inspect(options: Abortable): Promise<ContainerInspectInfo> {
		return await this.#engine.call(
			`inspect the machine ${this.#name}`,
			(docker, abortSignal) => docker.getContainer(this.#id).inspect({ abortSignal }),
			options,
		);
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
