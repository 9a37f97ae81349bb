/**
 * A container is in Podman's store before Podman knows of it. A service that is killed between the two leaves one that has its name and its files' place for good, and
 * that neither a list nor a look shows.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Abortable } from "../../driver.js";
import { DEADLINES } from "../../limits.js";
import type { Stored } from "./dialect.js";
import type { Engine } from "./engine.js";
import { removeContainer } from "./remove-container.js";

const LOOK_MS = 200;

/** Those that its list shows and those that it does not; none of an engine that always lists them all. */
export async function storedContainers(engine: Engine, options: Abortable): Promise<readonly Stored[]> {
	const { stored } = engine.dialect;
	if (stored === undefined) return [];
	return await engine.call("look for leftovers", (docker, abortSignal) => stored(docker, abortSignal), options);
}

export async function unlistedContainers(engine: Engine, options: Abortable = {}): Promise<readonly Stored[]> {
	return (await storedContainers(engine, options)).filter(({ isListed }) => !isListed);
}

/** True when the name was one's that nobody made to its end, and is free now. One that is just being made is waited for. */
export async function freedName(engine: Engine, name: string): Promise<boolean> {
	const find = async () => (await unlistedContainers(engine)).find((one) => one.name === name);
	const first = await find();
	if (first === undefined) return false;
	for (const endMs = performance.now() + DEADLINES.unfinishedContainerMs; performance.now() < endMs; ) {
		await pause(LOOK_MS);
		if ((await find())?.id !== first.id) return false;
	}
	await removeContainer(engine, first.id, name);
	return true;
}
