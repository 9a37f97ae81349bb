/** What the agent of a machine is told of it on its command line; nothing where all is as usual, for agents that know less. Pure. */
import type { MachineSpec } from "../../driver.js";

export function agentArguments({ user, folders }: MachineSpec): readonly string[] {
	return [
		...(user === "root" ? [] : ["--user", user]),
		...folders.filter(({ readOnly }) => !readOnly).flatMap(({ guestPath }) => ["--folder", guestPath]),
	];
}
