import type { ContainerInspectInfo } from "dockerode";
import type { Abortable, Machine } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { containerName } from "./container-options.js";
import type { Engine } from "./engine.js";
import { inspectContainer } from "./inspect-container.js";
import { whileNaming } from "./naming.js";
import { NEVER_GOES_ON, removeContainer } from "./remove-container.js";
import { untilSaved } from "./saving.js";
import { isAnyStandIn, standInName } from "./stand-ins.js";

/**
 * Puts one container of a machine in the place of another. The order is such that at every instant the name has one that can be started, see
 * docs/decisions/0004-checkpoints.md; but an ephemeral one is gone once it is stopped.
 * @param before of the one that is to go, and is the caller's to remove when this is done
 * @param next has another name yet and never ran; what is left of it when this fails is the caller's to remove
 */
export async function takeOver(engine: Engine, name: string, before: ContainerInspectInfo, next: Machine): Promise<void> {
	const { Id: id } = before;
	const ephemeral = before.HostConfig.AutoRemove === true;
	try {
		await end(engine, name, before, () => next.start());
		if (ephemeral) await removeContainer(engine, id, name);
		else await renameContainer(engine, id, name, standInName("replaced", name));
		await giveOwnName(engine, next.id, name);
		// Who had seen it stopped may have started it again before it lost its name; what is done in it from now on would be lost.
		if (!ephemeral) await killContainer(engine, id, name).catch(() => {});
	} catch (error) {
		await restore(engine, name, before).catch(() => {});
		throw error;
	}
}

/** Its files go with it, so its programs need no time to write them; and what takes over starts meanwhile where the two need nothing that only one can have. */
async function end(engine: Engine, name: string, before: ContainerInspectInfo, start: () => Promise<void>): Promise<void> {
	const { Running, Paused } = before.State;
	const hasPorts = Object.keys(before.HostConfig.PortBindings ?? {}).length > 0;
	const stop = () =>
		stopContainer(engine, before.Id, name).catch((error: unknown) => {
			// An ephemeral one is gone with its end.
			if (before.HostConfig.AutoRemove !== true || !isComputerError(error, "machine_gone")) throw error;
		});
	if (!Running || Paused || hasPorts) {
		await stop();
		await start();
		return;
	}
	const kill = killContainer(engine, before.Id, name)
		// It has ended, or does not end like this.
		.catch(stop);
	for (const done of await Promise.allSettled([kill, start()])) if (done.status === "rejected") throw done.reason;
}

async function killContainer(engine: Engine, id: string, name: string, options: Abortable = {}): Promise<void> {
	await engine.call(
		`stop the machine ${name}`,
		(docker, abortSignal) => docker.getContainer(id).kill({ signal: "KILL", abortSignal }),
		options,
	);
}

/** Idempotent. A frozen process gets no TERM: Docker refuses, Podman waits for ever. */
export async function stopContainer(engine: Engine, id: string, name: string, options: Abortable = {}): Promise<void> {
	const { State } = await inspect(engine, id, name, options);
	if (State.Paused) await unpauseContainer(engine, id, name, options);
	else if (!State.Running) return;
	await endContainer(engine, id, name, options).catch(async (error: unknown) => {
		// Podman's word when somebody else has started it again since: it was stopped.
		if (error instanceof Error && error.message.includes("refusing to clean up")) return;
		// Podman waits for the monitor of each exec, and fails when one was killed; the container has ended by then.
		if (isComputerError(error, "canceled") || (await inspect(engine, id, name, options)).State.Running) throw error;
	});
}

/**
 * Idempotent: whoever had it stand still may have let it go on meanwhile, and who does so to save its files is waited for. Answers false when it can not go on,
 * and has ended.
 */
export async function unpauseContainer(engine: Engine, id: string, name: string, options: Abortable): Promise<boolean> {
	await untilSaved(engine.dialect, id, options);
	try {
		await engine.call(`unpause the machine ${name}`, (docker, abortSignal) => docker.getContainer(id).unpause({ abortSignal }), options);
	} catch (error) {
		const { message } = error as Error;
		if (/is not paused/.test(message)) return true;
		if (!NEVER_GOES_ON.test(message)) throw error;
		await killContainer(engine, id, name, options);
		return false;
	}
	return true;
}

/** Whatever its engine says that it does. */
export async function endContainer(engine: Engine, id: string, name: string, options: Abortable = {}): Promise<void> {
	const stop = { t: Math.ceil(DEADLINES.stopGraceMs / 1000) };
	await engine.call(
		`stop the machine ${name}`,
		(docker, abortSignal) => unless304(docker.getContainer(id).stop({ ...stop, abortSignal })),
		options,
	);
}

/** The status of what is so already: somebody else was quicker. */
export async function unless304(answer: Promise<unknown>): Promise<void> {
	try {
		await answer;
	} catch (error) {
		if ((error as { statusCode?: number }).statusCode !== 304) throw error;
	}
}

/** The machine of before under its name again, and running if it ran. */
async function restore(engine: Engine, name: string, before: ContainerInspectInfo): Promise<void> {
	const container = await inspect(engine, before.Id, name, {});
	const wanted = plainName(before);
	// One that is killed a moment ago counts as running yet.
	if (before.State.Running) await stopContainer(engine, before.Id, name);
	if (plainName(container) !== wanted) await renameContainer(engine, before.Id, name, wanted);
	if (!before.State.Running) return;
	await engine.call(`start the machine ${name}`, (docker, abortSignal) => unless304(docker.getContainer(before.Id).start({ abortSignal })));
}

/** `machine_gone` when another container has it: another rollback or rebuild was quicker, and what is wanted is to be done to that one. */
async function giveOwnName(engine: Engine, id: string, name: string): Promise<void> {
	const own = containerName(name);
	await renameContainer(engine, id, name, own).catch(async (cause: unknown) => {
		// Whoever found it without a machine beside it has given it its name.
		if (plainName(await inspect(engine, id, name, {})) === own) return;
		if (!isComputerError(cause, "already_exists")) throw cause;
		throw new ComputerError("machine_gone", `The machine ${name} is another container now`, { cause, context: { name } });
	});
}

/** One that took over from a process that was killed just before may be the machine under a name that another is not to be taken for. */
export async function expectOwnName(engine: Engine, container: ContainerInspectInfo, name: string): Promise<ContainerInspectInfo> {
	if (!isAnyStandIn([`/${plainName(container)}`], name)) return container;
	await giveOwnName(engine, container.Id, name);
	return { ...container, Name: `/${containerName(name)}` };
}

function plainName({ Name }: ContainerInspectInfo): string {
	return Name.replace(/^\//, "");
}

async function inspect(engine: Engine, id: string, name: string, options: Abortable): Promise<ContainerInspectInfo> {
	return await inspectContainer(engine, id, `inspect the machine ${name}`, options);
}

export async function renameContainer(engine: Engine, id: string, name: string, to: string): Promise<void> {
	await whileNaming(engine.dialect, id, () =>
		engine.call(`rename the machine ${name}`, (docker, abortSignal) => docker.getContainer(id).rename({ name: to, abortSignal })),
	);
}
