/** A container that stands still and of which its engine says that it runs: it has frozen it, and forgotten that. */
import { setTimeout as pause } from "node:timers/promises";
import type { ContainerInspectInfo } from "dockerode";
import { DEADLINES } from "../../limits.js";
import type { Engine } from "./engine.js";

const LOOK_MS = 50;

export async function isFrozen({ dialect, isHere }: Engine, { Id, State }: ContainerInspectInfo): Promise<boolean> {
	return isHere && State.Pid > 0 && !State.Paused && (await dialect.freezer?.isFrozen(Id, State.Pid)) === true;
}

/**
 * Looks until it is no such one any more. It may be about to be noted, by who freezes it just now; if it is not for a while, it is let go.
 * @returns the last look
 */
export async function untilThawed(engine: Engine, look: () => Promise<ContainerInspectInfo>): Promise<ContainerInspectInfo> {
	const endMs = performance.now() + DEADLINES.frozenMs;
	for (;;) {
		const now = await look();
		if (!(await isFrozen(engine, now))) return now;
		if (performance.now() > endMs) await engine.dialect.freezer?.thaw(now.Id, now.State.Pid);
		await pause(LOOK_MS);
	}
}
