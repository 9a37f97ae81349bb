import type { ContainerInspectInfo } from "dockerode";
import type { CreateOptions, Machine, MachineSpec, RebuildOptions } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { commitFiles, dropTag, dropTags, keptImage, newToken, preparedFrom, type Tag } from "./checkpoint-images.js";
import type { MachineOf } from "./checkpoints.js";
import { createContainer, limitsLike } from "./create-container.js";
import { canceled } from "./deadline.js";
import type { Engine } from "./engine.js";
import { LABELS } from "./labels.js";
import type { PreparedImage } from "./prepared-image.js";
import { removeContainer } from "./remove-container.js";
import { inspectMachine, removeStandIns, standInName } from "./stand-ins.js";
import { expectOwnName, stopContainer, takeOver } from "./take-over.js";
import { refuseWhatIsMissing } from "./ties.js";

export interface Rebuilder {
	readonly engine: Engine;
	readonly machineOf: MachineOf;
	/** What a new machine of that spec is made from. */
	image(spec: MachineSpec, options: CreateOptions): Promise<PreparedImage>;
}

/** Another container in the place of one: with its files as an image of their own, or from the spec's image. */
export async function rebuildContainer(by: Rebuilder, id: string, spec: MachineSpec, options: RebuildOptions): Promise<Machine> {
	const { engine, machineOf } = by;
	const { signal, keepFiles, onProgress } = options;
	const { name } = spec;
	const before = await expectOwnName(engine, await inspectMachine(engine, id, name, options), name);
	const has = before.Config.Labels[LABELS.image] ?? "";
	if (keepFiles && has !== spec.image) {
		throw new ComputerError("invalid_argument", `Expected the image to stay ${has}, because the files are to be kept; got ${spec.image}`, {
			hint: "An image is files. Rebuild without keeping them for another image.",
			context: { name, image: has },
		});
	}
	refuseWhatIsMissing(spec, await engine.facts(options), engine.dialect.name);
	await removeStandIns(engine, name, id, options);
	const limits = await limitsLike(engine, before, spec, options);
	const fresh = keepFiles ? undefined : await by.image(spec, options);
	if (signal?.aborted) throw canceled("rebuild", signal);
	onProgress?.({ phase: "create", message: `making ${name} anew` });
	let held: Tag | undefined;
	let next: Machine | undefined;
	try {
		if (keepFiles) held = await keptFiles(engine, name, before);
		const image = fresh ?? preparedFrom(await keptImage(engine, held?.imageId ?? ""), before.Config.Labels);
		const container = standInName("rollback", name);
		const plan = { spec, image, limits, name: container, ...(held === undefined ? {} : { held: held.token }) };
		next = machineOf(await createContainer(engine, plan), name);
		await takeOver(engine, name, before, next);
	} catch (error) {
		if (next !== undefined) await removeContainer(engine, next.id, name).catch(() => {});
		if (held !== undefined) await dropTag(engine, held).catch(() => {});
		if (before.State.Running)
			await machineOf(id, name)
				.start()
				.catch(() => {});
		throw error;
	}
	await removeContainer(engine, before.Id, name);
	await dropTags(engine, name, (tag) => tag.kind === "checkpoint" || tag.token === held?.token);
	return next;
}

/** As they are once programs have ended and written what they had; an ephemeral container is gone then, so its files are taken while it runs. */
async function keptFiles(engine: Engine, name: string, before: ContainerInspectInfo): Promise<Tag> {
	if (before.HostConfig.AutoRemove !== true) await stopContainer(engine, before.Id, name);
	return await commitFiles(engine, before.Id, { kind: "machine", name, token: newToken() }, "");
}
