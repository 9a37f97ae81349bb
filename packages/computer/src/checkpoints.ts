/** Checkpoints of a computer, above every driver: what is kept, what goes, what differs. */
import { randomBytes } from "node:crypto";
import { Connection } from "./agent/connection.js";
import { type Changes, compareTrees } from "./agent/tree.js";
import type { Abortable, Checkpoint, CheckpointStore, Driver, ForkOptions, Machine } from "./driver.js";
import { ComputerError, isComputerError } from "./errors/index.js";
import { expectText, expectWhole, refuse } from "./expect.js";
import { BOUNDS, CHECKPOINTS } from "./limits.js";
import { computerName } from "./options.js";
import { Slot } from "./slot.js";

export interface CheckpointOptions extends Abortable {
	/** How many to keep of this computer, this one too; the oldest go. Default 10. */
	readonly maxCount?: number | undefined;
	/** Bytes to keep of them all, as far as the driver knows; the oldest go. Default 16 GiB. */
	readonly maxBytes?: number | undefined;
}

export async function makeCheckpoint(slot: Slot, label: string, options: CheckpointOptions): Promise<Checkpoint> {
	if (expectText("label", label).length > BOUNDS.checkpointLabelLength) {
		refuse("label", `at most ${BOUNDS.checkpointLabelLength} characters`, label);
	}
	const maxCount = expectWhole("maxCount", options.maxCount ?? CHECKPOINTS.maxCount, 1, Number.MAX_SAFE_INTEGER);
	const maxBytes = expectWhole("maxBytes", options.maxBytes ?? CHECKPOINTS.maxBytes, 0, Number.MAX_SAFE_INTEGER);
	const made = await slot.use((machine) => storeOf(machine, slot.driver).make(label, { signal: options.signal }), options.signal);
	latest.set(slot, made.id);
	// Whoever asks for the list next waits for it; whoever makes another one does not, and that one's pruning is for both.
	slot.later("removing old checkpoints", async () => {
		if (latest.get(slot) !== made.id) return;
		await slot.use((machine) => prune(storeOf(machine, slot.driver), made.id, maxCount, maxBytes));
	});
	return made;
}

/** The checkpoint that was made last. */
const latest = new WeakMap<Slot, string>();

export async function listCheckpoints(slot: Slot, options: Abortable): Promise<readonly Checkpoint[]> {
	const stored = await withStore(slot, options, (store) => store.list(options));
	return stored.map(({ inUse, ...checkpoint }) => checkpoint);
}

export async function removeCheckpoint(slot: Slot, id: string, options: Abortable): Promise<void> {
	expectText("id", id);
	await withStore(slot, options, (store) => store.remove(id, options));
}

/** @param begin is called when nothing speaks against it any more: what runs in the machine ends now */
export async function rollBack(slot: Slot, id: string, begin: () => void, options: Abortable): Promise<void> {
	expectText("id", id);
	let what = id;
	const onFound = ({ label }: Checkpoint) => {
		if (label !== "") what = `"${label}"`;
		begin();
	};
	await slot.settled();
	await slot.replace(
		async (machine) => {
			const { machine: next, tidy } = await storeOf(machine, slot.driver).rollback(id, { ...options, onFound });
			slot.later("removing the machine from before a rollback", tidy);
			return next;
		},
		() => `the computer was rolled back to the checkpoint ${what}: programs that ran have ended and its shells are fresh`,
		options,
	);
}

/**
 * The place of another computer, whose machine runs.
 * @param settle has to be done too: without that there is no machine
 */
export async function forkSlot(
	slot: Slot,
	id: string | undefined,
	name: string,
	settle: () => Promise<void>,
	options: Abortable,
): Promise<Slot> {
	const [{ ports }] = await Promise.all([slot.settings(options), slot.expectRoom(options)]);
	// Two machines can not have one port of the host.
	const machine = await forkMachine(slot, id, name, { ...options, changes: { ports: [] } });
	try {
		await settle();
	} catch (error) {
		await machine.remove();
		throw error;
	}
	const forked = new Slot({ driver: slot.driver, name: machine.name, machine, maxComputers: slot.maxComputers });
	if (ports.length > 0) forked.note(`the ports that ${slot.name} publishes stay its own; a rebuild gives this computer others`);
	return forked;
}

async function forkMachine(slot: Slot, id: string | undefined, name: string, options: ForkOptions): Promise<Machine> {
	if (id !== undefined) expectText("id", id);
	const newName = computerName(name);
	return await withStore(slot, options, (store) => store.fork(id, newName, options));
}

/** Both sides are asked by their own agents, so the checkpoint gets a machine for a moment: one way for every driver. */
export async function diffCheckpoint(slot: Slot, id: string, now: Connection, options: Abortable): Promise<Changes> {
	const machine = await forkMachine(slot, id, `diff-${randomBytes(6).toString("hex")}`, {
		...options,
		// So it is gone by itself should this process be killed, and takes nothing that only one can have.
		changes: { persistence: "ephemeral", ports: [], network: "none" },
	});
	let then: Connection | undefined;
	try {
		then = await Connection.open(await machine.connect(options), options.signal);
		return await compareTrees(then, now, options.signal);
	} finally {
		then?.close();
		await machine.remove();
	}
}

/** Never the newest and never the one in use, though they alone may be more than is to be kept. */
async function prune(store: CheckpointStore, newest: string, maxCount: number, maxBytes: number): Promise<void> {
	const all = await store.list();
	// Somebody else's, made since.
	const last = all.at(-1)?.id;
	let count = all.length;
	let bytes = all.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
	for (const { id, inUse, sizeBytes = 0 } of all) {
		if (count <= maxCount && bytes <= maxBytes) return;
		if (inUse || id === newest || id === last) continue;
		await store.remove(id).catch((error: unknown) => {
			// Somebody else's pruning was quicker.
			if (!isComputerError(error, "not_found")) throw error;
		});
		count--;
		bytes -= sizeBytes;
	}
}

async function withStore<T>(slot: Slot, { signal }: Abortable, run: (store: CheckpointStore) => Promise<T>): Promise<T> {
	await slot.settled();
	return await slot.use((machine) => run(storeOf(machine, slot.driver)), signal);
}

function storeOf(machine: Machine, driver: Driver): CheckpointStore {
	if (machine.checkpoints !== undefined) return machine.checkpoints;
	throw new ComputerError("not_supported", `The driver ${driver.name} was expected to have checkpoints; here it has none`, {
		context: { driver: driver.name },
	});
}
