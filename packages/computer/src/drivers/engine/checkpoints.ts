import type { ContainerInspectInfo, ImageInspectInfo } from "dockerode";
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
import { ComputerError, isComputerError } from "../../errors/index.js";
import { forgetChanges } from "./changed-settings.js";
import {
	commitFiles,
	dropHeld,
	dropTag,
	findCheckpoint,
	holdImage,
	keptImage,
	newToken,
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
import { expectNone, inspectMachine, removeStandIns, standInName } from "./stand-ins.js";
import { expectOwnName, takeOver } from "./take-over.js";

/** The machine of a container by its id and the computer's name. */
export type MachineOf = (id: string, name: string) => Machine;

/** Checkpoints of one container: see docs/decisions/0004-checkpoints.md. */
export class EngineCheckpoints implements CheckpointStore {
	readonly #engine: Engine;
	readonly #id: string;
	readonly #name: string;
	readonly #machineOf: MachineOf;
	readonly #sizes = new Map<string, number>();

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
		const [container, tags] = await Promise.all([inspectMachine(this.#engine, this.#id, this.#name, options), this.#tags(options)]);
		const used = plainId(container.Image);
		const found = await Promise.all(tags.map(async (tag) => ({ ...(await this.#describe(tag, options)), inUse: tag.imageId === used })));
		return found.sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id));
	}

	async remove(id: string, options: Abortable = {}): Promise<void> {
		await findCheckpoint(this.#engine, this.#name, id, options);
		await dropTag(this.#engine, { kind: "checkpoint", name: this.#name, token: id });
	}

	async rollback(id: string, options: RollbackOptions = {}): Promise<RolledBack> {
		const engine = this.#engine;
		const [image, found] = await Promise.all([
			findCheckpoint(engine, this.#name, id, options),
			inspectMachine(engine, this.#id, this.#name, options),
			removeStandIns(engine, this.#name, this.#id, options),
		]);
		const before = await expectOwnName(engine, found, this.#name);
		const spec = await settingsOf(engine, before, this.#name);
		const held = await holdImage(engine, image.Id, this.#name, options);
		options.onFound?.(toCheckpoint({ token: id, labels: image.Config.Labels ?? {} }));
		let next: Machine | undefined;
		try {
			next = await this.#create(before, image, held, spec, standInName("rollback", this.#name), options);
			if (options.signal?.aborted) throw canceled("roll back", options.signal);
			// From here on it is finished or undone, whatever the caller wishes.
			await takeOver(engine, this.#name, before, next);
		} catch (error) {
			if (next !== undefined) await removeContainer(engine, next.id, this.#name).catch(() => {});
			await dropTag(engine, held).catch(() => {});
			throw takenAway(error, this.#name);
		}
		const tidy = async () => {
			await removeContainer(engine, this.#id, this.#name);
			await dropHeld(engine, this.#name, before.Config.Labels);
			await forgetChanges(engine.dialect, this.#id);
		};
		return { machine: next, tidy };
	}

	async fork(id: string | undefined, name: string, options: ForkOptions = {}): Promise<Machine> {
		const engine = this.#engine;
		const [before] = await Promise.all([inspectMachine(engine, this.#id, this.#name, options), expectNone(engine, name, options)]);
		const spec = { ...(await settingsOf(engine, before, this.#name)), ...options.changes, name };
		const found = id === undefined ? undefined : await findCheckpoint(engine, this.#name, id, options);
		const held =
			found === undefined
				? await commitFiles(engine, this.#id, { kind: "machine", name, token: newToken() }, "")
				: await holdImage(engine, found.Id, name, options);
		let made: Machine | undefined;
		try {
			const image = found ?? (await keptImage(engine, held.imageId, options));
			made = await this.#create(before, image, held, spec, containerName(name), options);
			await made.start(options);
			return made;
		} catch (error) {
			if (made !== undefined) await removeContainer(engine, made.id, name).catch(() => {});
			await dropTag(engine, held).catch(() => {});
			if (!isComputerError(error, "already_exists")) throw takenAway(error, name);
			throw new ComputerError("already_exists", `A machine named ${name} is there already`, { cause: error, context: { name } });
		}
	}

	/** A container from a kept image, with everything else as in another one. */
	async #create(
		like: ContainerInspectInfo,
		kept: ImageInspectInfo,
		held: Tag,
		spec: MachineSpec,
		name: string,
		options: Abortable,
	): Promise<Machine> {
		const limits = await limitsLike(this.#engine, like, spec, options);
		const image = preparedFrom(kept, like.Config.Labels);
		const id = await createContainer(this.#engine, { spec, image, limits, name, held: held.token }, options);
		return this.#machineOf(id, spec.name);
	}

	async #tags(options: Abortable): Promise<readonly Tag[]> {
		return (await tagsOf(this.#engine, this.#name, options)).filter(({ kind }) => kind === "checkpoint");
	}

	async #describe(tag: Tag, options: Abortable = {}): Promise<Checkpoint> {
		// An image never changes.
		const sizeBytes = this.#sizes.get(tag.imageId) ?? (await ownBytes(this.#engine, tag.imageId, options));
		if (sizeBytes !== undefined) this.#sizes.set(tag.imageId, sizeBytes);
		return { ...toCheckpoint(tag), ...(sizeBytes === undefined ? {} : { sizeBytes }) };
	}
}

/** Who removes a computer removes what is kept for its name, also for one that is just about to have it. */
function takenAway(error: unknown, name: string): unknown {
	if (!isComputerError(error, "image_not_found")) return error;
	return new ComputerError("busy", `What was saved for ${name} went with the removal of a computer of that name`, {
		hint: "Try again.",
		context: { name },
		cause: error,
	});
}
