import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Machine, MachineSpec, RebuildOptions } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { cancellation } from "./deadline.js";
import type { NamespaceMachine } from "./machine.js";
import { refuseWhatIsMissing } from "./missing.js";
import { writeRecord } from "./record.js";

/** How often a machine that somebody else starts meanwhile is stopped again before a rebuild gives up. */
const ATTEMPTS = 3;

/**
 * The machine's record anew, and then its start. Without its files it starts with empty layers, put in place as those of a rollback are. Killed in
 * between it has the new settings and the old files.
 */
export async function rebuildMachine(machine: NamespaceMachine, spec: MachineSpec, options: RebuildOptions): Promise<Machine> {
	const { signal, keepFiles, onProgress } = options;
	const record = await machine.record();
	await refuseWhatIsMissing(spec, record.spec);
	if (signal?.aborted) throw cancellation(signal);
	onProgress?.({ phase: "create", message: `making ${spec.name} anew` });
	for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
		await machine.halt();
		const next = keepFiles ? undefined : await emptyLayers(machine);
		await writeRecord(machine.directory, { ...record, spec });
		try {
			if ((await machine.boot({ ...spec, ...(next === undefined ? {} : { next }) })) === "started") return machine;
		} catch (error) {
			await writeRecord(machine.directory, record);
			await machine.start().catch(() => {});
			throw error;
		}
	}
	throw new ComputerError("busy", `The machine ${spec.name} was to be rebuilt, and somebody else keeps starting it`);
}

/** @returns what `agent boot` takes as `next`: see guest/internal/boot/rollback.go */
async function emptyLayers({ directory, name }: NamespaceMachine): Promise<string> {
	const token = randomBytes(6).toString("hex");
	const next = join(directory, `next.${token}`);
	try {
		// One by one: the directory of a machine that is being removed must not come back.
		for (const path of [next, join(next, "rootfs"), join(next, "upper")]) await mkdir(path, { mode: 0o755 });
		// It rests on no checkpoint any more.
		await writeFile(join(next, "base"), "", { mode: 0o600 });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		throw new ComputerError("machine_gone", `The machine ${name} was removed`, { cause: error });
	}
	return token;
}
