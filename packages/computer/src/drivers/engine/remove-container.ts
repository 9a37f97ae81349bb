import type { Abortable } from "../../driver.js";
import { isComputerError } from "../../errors/index.js";
import type { Engine } from "./engine.js";
import { whileNaming } from "./naming.js";

/** Podman's word for a container of which it says that it stands still, and its runtime that it does not: its service was killed in the middle of freezing it. */
export const NEVER_GOES_ON = / resume .* failed/;

/** Idempotent; answers when the container is gone. */
export async function removeContainer(engine: Engine, id: string, name: string, options: Abortable = {}): Promise<void> {
	await whileNaming(engine.dialect, id, () => remove(engine, id, name, options));
}

async function remove(engine: Engine, id: string, name: string, options: Abortable): Promise<void> {
	const action = `remove the machine ${name}`;
	// Docker's force is a KILL; Podman's first waits for a TERM to do, unless it is told not to.
	const how = { force: true, v: true, timeout: 0 };
	const wait = { condition: "removed" as const };
	const ifThere = (error: unknown): void => {
		if (!isComputerError(error, "machine_gone")) throw error;
	};
	const begin = () => engine.call(action, (docker, abortSignal) => docker.getContainer(id).remove({ ...how, abortSignal }), options);
	await begin()
		.catch(async (error: Error) => {
			if (!NEVER_GOES_ON.test(error.message)) throw error;
			await engine.call(action, (docker, abortSignal) => docker.getContainer(id).kill({ signal: "KILL", abortSignal }), options);
			await begin();
		})
		.catch(async (error: unknown) => {
			if (!isComputerError(error, "busy")) throw error;
			// Somebody else is removing it: wait for that.
			await engine.call(action, (docker, abortSignal) => docker.getContainer(id).wait({ ...wait, abortSignal }), options);
		})
		.catch(ifThere);
	await engine.dialect.afterRemove?.(id);
}
