import type { ContainerInfo } from "dockerode";
import type { Abortable } from "../../driver.js";
import { type ComputerError, isComputerError } from "../../errors/index.js";
import type { Engine } from "./engine.js";
import { inspectContainer } from "./inspect-container.js";
import { removeContainer } from "./remove-container.js";
import { storedContainers } from "./unlisted.js";

const TRIES = 3;

/**
 * An engine's containers. Podman looks at each, and its whole list fails, for good, when its service was killed in the middle of a removal: the files are gone then, and
 * the container is not. Such a removal is brought to its end.
 */
export async function listContainers(
	engine: Engine,
	action: string,
	query: { readonly all: true; readonly filters: Readonly<Record<string, readonly string[]>>; readonly size?: boolean },
	options: Abortable = {},
): Promise<readonly ContainerInfo[]> {
	for (let tries = 1; ; tries++) {
		try {
			return await engine.call(action, (docker, abortSignal) => docker.listContainers({ ...query, abortSignal }), options);
		} catch (error) {
			if (!isWithoutFiles(error as ComputerError) || tries === TRIES) throw error;
			await removeThoseWithoutFiles(engine, options);
		}
	}
}

/** Podman's words for a container whose files are gone: its store removes them and what it knows of the container at once. */
export function isWithoutFiles(error: unknown): boolean {
	return isComputerError(error) && /(layer|container) not known/.test(error.message);
}

async function removeThoseWithoutFiles(engine: Engine, options: Abortable): Promise<void> {
	for (const { id, name, isListed } of await storedContainers(engine, options)) {
		if (!isListed) continue;
		const isHalf = await inspectContainer(engine, id, "look for leftovers", options).then(() => false, isWithoutFiles);
		if (isHalf) await removeContainer(engine, id, name, options);
	}
}
