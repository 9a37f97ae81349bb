/** What the agent of a machine is told of it on its command line; see guest/internal/life for when it ends by itself. Pure. */
import type { MachineSpec } from "../../driver.js";
import { LIFE } from "../../limits.js";

/**
 * @param token unlike that of any other container
 * @param diskBytes what the agent is to watch; 0 where there is no limit, or the engine keeps it
 */
export function agentArguments(spec: MachineSpec, token: string, diskBytes: number): readonly string[] {
	const { user, folders, persistence, idleStopMs } = spec;
	const ephemeral = ["--unheld", `${LIFE.unheldMs}ms`, "--unclaimed", `${LIFE.unclaimedMs}ms`];
	return [
		...["--made", token],
		...(persistence === "ephemeral" ? ephemeral : []),
		...(idleStopMs > 0 ? ["--idle-stop", `${idleStopMs}ms`] : []),
		...(user === "root" ? [] : ["--user", user]),
		...(diskBytes > 0 ? ["--disk-bytes", String(diskBytes)] : []),
		...folders.filter(({ readOnly }) => !readOnly).flatMap(({ guestPath }) => ["--folder", guestPath]),
	];
}
