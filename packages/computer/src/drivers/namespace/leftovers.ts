/** What of ours is in the state directory that nobody needs: see docs/decisions/0007-ownership-and-life.md. */
import { basename, join } from "node:path";
import type { Leftover } from "../../driver.js";
import { COMPARED_PATTERN, LIFE } from "../../limits.js";
import { eraseBelow } from "./erase.js";
import type { NamespaceMachine } from "./machine.js";
import { directoryTime, findUnfinished, lacksRecord, machineNames } from "./record.js";

type MachineOf = (name: string) => NamespaceMachine;

export async function findLeftovers(root: string, machineOf: MachineOf, agentPath: () => string): Promise<readonly Leftover[]> {
	const [names, unfinished] = await Promise.all([machineNames(root), findUnfinished(root)]);
	const dead = await Promise.all(
		names.map(async (name): Promise<Leftover[]> => {
			const machine = machineOf(name);
			const why = await whyDead(root, machine);
			return why === undefined ? [] : [{ driver: "namespace", kind: "machine", what: name, why, remove: (o) => machine.remove(o) }];
		}),
	);
	const directories = unfinished.map(
		(path): Leftover => ({
			driver: "namespace",
			kind: "directory",
			what: basename(path),
			why: basename(path).startsWith(".gone-") ? "its removal was cut short" : "the making of a machine was cut short",
			remove: (options) => eraseBelow(agentPath, root, basename(path), options),
		}),
	);
	return [...dead.flat(), ...directories];
}

/** Ephemeral machines whose supervisor was killed. Best effort, before a machine is made. */
export async function removeDead(root: string, machineOf: MachineOf): Promise<void> {
	try {
		for (const name of await machineNames(root)) {
			const machine = machineOf(name);
			if (await isDeadEphemeral(root, machine)) await machine.remove();
		}
	} catch {
		// They are leftovers then.
	}
}

async function whyDead(root: string, machine: NamespaceMachine): Promise<string | undefined> {
	if (await isDeadEphemeral(root, machine)) return "it was ephemeral and has ended";
	const made = await directoryTime(join(root, machine.name));
	if (made === undefined || made > Date.now() - LIFE.abandonedMs) return undefined;
	if (COMPARED_PATTERN.test(machine.name) && (await isEphemeral(machine))) return "a comparison with a checkpoint was cut short";
	return (await lacksRecord(join(root, machine.name))) ? "its removal was cut short" : undefined;
}

async function isDeadEphemeral(root: string, machine: NamespaceMachine): Promise<boolean> {
	if (!(await isEphemeral(machine))) return false;
	const made = await directoryTime(join(root, machine.name));
	if (made === undefined || made > Date.now() - 2 * LIFE.unclaimedMs) return false;
	return (await machine.inspect().catch(() => undefined))?.state === "stopped";
}

async function isEphemeral(machine: NamespaceMachine): Promise<boolean> {
	return (await machine.settings())?.persistence === "ephemeral";
}
