/** From an engine's record of a container to ours; pure. */
import type { ContainerInspectInfo } from "dockerode";
import type { DriverName, LiveSettings, MachineInfo, MachineState } from "../../driver.js";
import { softDiskLimit } from "../soft-disk-limit.js";
import type { Limits } from "./container-options.js";
import { askedLimits, LABELS, machineName } from "./labels.js";
import { attachedNetwork } from "./network.js";

const STATES: Readonly<Record<string, MachineState>> = {
	running: "running",
	restarting: "running",
	paused: "paused",
	created: "stopped",
	configured: "stopped",
	initialized: "stopped",
	stopped: "stopped",
	stopping: "stopped",
	exited: "stopped",
};

/** What is known of a machine beside what its engine says. */
export interface Surroundings {
	/** Who asks. */
	readonly owner: string;
	/** Since it was made: these limits are as they were asked for, or whoever changed them was told. */
	readonly changes: LiveSettings;
	readonly sizeBytes?: number | undefined;
}

/** What an engine says once a removal was begun. */
const HALF_REMOVED = ["dead", "removing"];

/** Whatever else an engine may say can not be started. */
export function readState(container: ContainerInspectInfo): MachineState {
	return STATES[container.State.Status] ?? "broken";
}

export function readMachineInfo(container: ContainerInspectInfo, driver: DriverName, around: Surroundings): MachineInfo {
	const labels = container.Config.Labels ?? {};
	return {
		id: container.Id,
		name: machineName([container.Name], labels),
		driver,
		state: readState(container),
		...(HALF_REMOVED.includes(container.State.Status) ? { halfRemoved: true } : {}),
		image: labels[LABELS.image] ?? "",
		createdAt: Date.parse(container.Created),
		network: attachedNetwork(container),
		own: (labels[LABELS.owner] ?? around.owner) === around.owner,
		...(around.sizeBytes === undefined ? {} : { sizeBytes: around.sizeBytes }),
		warnings: missingLimits(container, labels, around.changes),
	};
}

/** What the engine has for a container; 0 where it limits nothing. */
export function appliedLimits({ HostConfig: has }: ContainerInspectInfo): Limits {
	const cpus = has.NanoCpus ? has.NanoCpus / 1e9 : has.CpuQuota && has.CpuQuota > 0 ? has.CpuQuota / (has.CpuPeriod || 100_000) : 0;
	return {
		cpus,
		memoryBytes: has.Memory ?? 0,
		pids: has.PidsLimit && has.PidsLimit > 0 ? has.PidsLimit : 0,
		diskBytes: Number(has.StorageOpt?.["size"]) || 0,
	};
}

/** What was asked for against what the engine has. */
function missingLimits(
	container: ContainerInspectInfo,
	labels: Readonly<Record<string, string>>,
	changes: LiveSettings,
): readonly string[] {
	const changed = (["cpus", "memoryBytes", "pids"] as const).filter((key) => changes[key] !== undefined);
	const asked = { ...askedLimits(labels), ...Object.fromEntries(changed.map((key) => [key, 0])) };
	const has = container.HostConfig;
	const { cpus, diskBytes } = appliedLimits(container);
	const warnings: string[] = [];
	if (asked.cpus > 0 && cpus === 0) warnings.push(`The limit of ${asked.cpus} CPUs is not applied: this engine can not limit CPUs.`);
	else if (asked.cpus > cpus) warnings.push(`${asked.cpus} CPUs were asked for, the engine has ${cpus}.`);
	if (asked.memoryBytes > 0 && !has.Memory) {
		warnings.push(`The memory limit of ${mebibytes(asked.memoryBytes)} MiB is not applied: this engine can not limit memory.`);
	} else if (asked.memoryBytes > 0 && has.MemorySwap !== has.Memory) {
		warnings.push("Swap is not limited: this engine can limit memory only, so the machine may swap beyond its limit.");
	}
	if (asked.pids > 0 && !(has.PidsLimit && has.PidsLimit > 0)) {
		warnings.push(`The limit of ${asked.pids} processes is not applied: this engine can not limit them.`);
	}
	if (diskBytes === 0) warnings.push(...softDiskLimit(asked.diskBytes));
	const lacks = labels[LABELS.lacks] ?? "";
	if (lacks !== "") warnings.push(`It was made without its usual programs. ${lacks}`);
	return warnings;
}

function mebibytes(bytes: number): number {
	return Math.round(bytes / (1024 * 1024));
}
