/** What preparing images leaves behind over time: containers of killed processes, images with an agent of long ago. */
import { DEADLINES, LIFE } from "../../limits.js";
import { ownerId } from "../ownership.js";
import type { Engine } from "./engine.js";
import { LABELS } from "./labels.js";
import { listImages } from "./list-images.js";

export const PREPARED_LABELS = {
	own: "lms-computer.prepared",
	base: "lms-computer.base",
	agent: "lms-computer.agent",
	preset: "lms-computer.preset",
} as const;

export const TEMPORARY_PREFIX = "lms-prepare-";

/** A temporary container that old belongs to a process that was killed: installing a preset may take as long. */
export const ABANDONED_MS = DEADLINES.presetMs + LIFE.abandonedMs;

/** Two versions of us may be in use on one machine, and are not to prepare against each other all day. */
const SUPERSEDED_MS = 24 * 60 * 60_000;

export async function removeAbandoned(engine: Engine, signal: AbortSignal | undefined): Promise<void> {
	const action = "look for abandoned containers";
	const owner = await ownerId();
	const filters = { name: [TEMPORARY_PREFIX], label: [`${PREPARED_LABELS.own}=1`, `${LABELS.owner}=${owner}`] };
	const found = await engine.call(action, (docker, abortSignal) => docker.listContainers({ all: true, filters, abortSignal }), { signal });
	// Machines carry their image's labels, so the name decides.
	const isTemporary = (names: readonly string[]): boolean => names.every((name) => name.startsWith(`/${TEMPORARY_PREFIX}`));
	for (const { Id, Names, Created } of found) {
		if (!isTemporary(Names) || !isOlder(Created, ABANDONED_MS)) continue;
		await engine
			.call(action, (docker, abortSignal) => docker.getContainer(Id).remove({ force: true, v: true, abortSignal }))
			.catch(() => {});
	}
}

/** Those with another agent. Best effort: an image that some machine is made from stays, because the engine refuses to remove it. */
export async function removeSuperseded(engine: Engine, baseId: string, agentHash: string, currentId: string): Promise<void> {
	const action = "look for superseded images";
	const filters = { label: [`${PREPARED_LABELS.own}=1`, `${PREPARED_LABELS.base}=${baseId}`, `${LABELS.owner}=${await ownerId()}`] };
	const found = await listImages(engine, action, { filters }).catch(() => []);
	for (const { Id, Created, Labels } of found) {
		if (Labels?.[PREPARED_LABELS.agent] === agentHash && Labels[PREPARED_LABELS.preset] !== undefined) continue;
		if (Id.replace(/^sha256:/, "") === currentId.replace(/^sha256:/, "") || !isOlder(Created, SUPERSEDED_MS)) continue;
		await engine.call(action, (docker, abortSignal) => docker.getImage(Id).remove({ abortSignal })).catch(() => {});
	}
}

export function isOlder(createdSeconds: number, ms: number): boolean {
	return createdSeconds * 1000 < Date.now() - ms;
}
