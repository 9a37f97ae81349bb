import { randomBytes } from "node:crypto";
import type { ContainerInspectInfo } from "dockerode";
import type { Abortable, MachineSpec } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { ownerId } from "../ownership.js";
import { readChanges } from "./changed-settings.js";
import { applicableLimits, containerOptions, type Limits } from "./container-options.js";
import type { Engine } from "./engine.js";
import { refusedLimit } from "./errors.js";
import { askedLimits, LABELS, specOf } from "./labels.js";
import { appliedLimits } from "./machine-info.js";
import { attachedNetwork } from "./network.js";
import type { PreparedImage } from "./prepared-image.js";
import { freedName } from "./unlisted.js";

export interface ContainerPlan {
	readonly spec: MachineSpec;
	readonly image: Omit<PreparedImage, "baseId">;
	readonly limits: Limits;
	/** Of the container, where it is not to be the machine's yet. */
	readonly name?: string;
	/** The token of the tag that keeps its image. */
	readonly held?: string;
}

/** @returns its id. Not the caller's signal: a request given up halfway can leave a container whose id nobody knows. */
export async function createContainer(engine: Engine, plan: ContainerPlan, options: Abortable = {}): Promise<string> {
	const { spec, image, held } = plan;
	const [facts, owner] = await Promise.all([engine.facts(options), ownerId()]);
	for (let { limits } = plan; ; ) {
		const wanted = containerOptions(engine.dialect, spec, image, limits, facts, { owner, token: randomBytes(6).toString("hex") });
		const name = plan.name ?? wanted.name;
		const create = { ...wanted, ...(name === undefined ? {} : { name }) };
		if (held !== undefined) create.Labels = { ...create.Labels, [LABELS.held]: held };
		try {
			const { id } = await engine.call(`create the machine ${spec.name}`, (docker, abortSignal) =>
				docker.createContainer({ ...create, abortSignal }),
			);
			return id;
		} catch (error) {
			if (name !== undefined && isComputerError(error, "already_exists") && (await freedName(engine, name))) continue;
			limits = withoutRefused(limits, error);
		}
	}
}

/** An engine may promise a limit that it then can not set: on with the others, and `warnings` says so. Throws the error where it is about none of them. */
export function withoutRefused(limits: Limits, error: unknown): Limits {
	const refused = isComputerError(error) && error.code !== "canceled" ? refusedLimit(error.message) : undefined;
	if (refused === undefined || limits[refused] === 0) throw error;
	return { ...limits, [refused]: 0 };
}

/** What a container was made from and what was changed since; `not_supported` when it does not say. */
export async function settingsOf(engine: Engine, container: ContainerInspectInfo, name: string): Promise<MachineSpec> {
	const spec = specOf(container.Config.Labels);
	if (spec !== undefined)
		return { ...spec, name, ...(await readChanges(engine.dialect, container.Id)), network: attachedNetwork(container) };
	throw new ComputerError("not_supported", `The machine ${name} does not say what it was made from`, {
		hint: "It was made by another version of lms-computer. Make the computer anew.",
	});
}

/** The limits for another container in the place of one: what the engine refused for that one when it was started is not tried again. */
export async function limitsLike(engine: Engine, container: ContainerInspectInfo, spec: MachineSpec, options: Abortable): Promise<Limits> {
	const [facts, changes] = await Promise.all([engine.facts(options), readChanges(engine.dialect, container.Id)]);
	const limits = applicableLimits(spec, facts);
	const [asked, applied] = [askedLimits(container.Config.Labels), appliedLimits(container)];
	// What was changed since is as it was asked for: it may be that there is to be none.
	const allowed = (key: "cpus" | "memoryBytes" | "pids"): number =>
		changes[key] === undefined && asked[key] > 0 && applied[key] === 0 ? 0 : limits[key];
	return { ...limits, cpus: allowed("cpus"), memoryBytes: allowed("memoryBytes"), pids: allowed("pids") };
}
