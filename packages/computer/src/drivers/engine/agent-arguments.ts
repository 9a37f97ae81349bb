/** What the agent of a machine is told of it on its command line; see guest/internal/life for when it ends by itself. Pure. */
import type { MachineSpec } from "../../driver.js";
import { LIFE } from "../../limits.js";

/** @param token unlike that of any other container */
export function agentArguments({ user, folders, persistence, idleStopMs }: MachineSpec, token: string): readonly string[] {
	const ephemeral = ["--unheld", `${LIFE.unheldMs}ms`, "--unclaimed", `${LIFE.unclaimedMs}ms`];
	return [
		...["--made", token],
		...(persistence === "ephemeral" ? ephemeral : []),
		...(idleStopMs > 0 ? ["--idle-stop", `${idleStopMs}ms`] : []),
		...(user === "root" ? [] : ["--user", user]),
		...folders.filter(({ readOnly }) => !readOnly).flatMap(({ guestPath }) => ["--folder", guestPath]),
	];
}
