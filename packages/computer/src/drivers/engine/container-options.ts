/** From a machine's spec to the body of `POST /containers/create`; pure. */
import type { ContainerCreateOptions } from "dockerode";
import type { MachineSpec } from "../../driver.js";
import { GUEST_AGENT, GUEST_HOME } from "../../limits.js";
import { agentArguments } from "./agent-arguments.js";
import type { Dialect } from "./dialect.js";
import type { EngineFacts } from "./facts.js";
import { CONTAINER_PREFIX, labelsFor } from "./labels.js";
import type { PreparedImage } from "./prepared-image.js";
import { exposedPorts, ties } from "./ties.js";

type HostConfig = NonNullable<ContainerCreateOptions["HostConfig"]>;

/** Enough for root in the guest to install packages, measured with apt-get; nothing that reaches out of the machine. */
const CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETFCAP"] as const;

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The limits to ask the engine for; 0 means none. */
export interface Limits {
	readonly cpus: number;
	readonly memoryBytes: number;
	readonly pids: number;
	readonly diskBytes: number;
}

/** What of the spec this engine can apply. Docker refuses more CPUs than there are. */
export function applicableLimits(spec: MachineSpec, { capabilities, cpus }: EngineFacts): Limits {
	return {
		cpus: capabilities.limitCpus ? Math.min(spec.cpus, cpus > 0 ? cpus : spec.cpus) : 0,
		memoryBytes: capabilities.limitMemory ? spec.memoryBytes : 0,
		pids: capabilities.limitPids ? spec.pids : 0,
		diskBytes: capabilities.limitDisk ? spec.diskBytes : 0,
	};
}

/** What makes a container unlike all others. */
export interface Birth {
	readonly owner: string;
	readonly token: string;
}

export function containerName(name: string): string {
	return CONTAINER_PREFIX + name;
}

export function containerOptions(
	dialect: Dialect,
	spec: MachineSpec,
	image: Omit<PreparedImage, "baseId">,
	limits: Limits,
	facts: EngineFacts,
	birth: Birth,
): ContainerCreateOptions {
	const env = { PATH: image.path ?? DEFAULT_PATH, HOME: GUEST_HOME, LANG: "C.UTF-8", ...spec.env };
	return {
		name: containerName(spec.name),
		Image: image.id,
		Entrypoint: [GUEST_AGENT, "init"],
		Cmd: [...agentArguments(spec, birth.token, limits.diskBytes > 0 ? 0 : spec.diskBytes)],
		User: "0:0",
		WorkingDir: GUEST_HOME,
		Hostname: spec.hostname,
		Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
		Labels: labelsFor(spec, image, birth.owner),
		ExposedPorts: exposedPorts(spec.network === "none" ? [] : spec.ports),
		// An image's own habits are not for our PID 1.
		StopSignal: "SIGTERM",
		Healthcheck: { Test: ["NONE"] },
		// Docker without a network of its own making is there in half the time: no sandbox, and no program of its own that joins it.
		NetworkDisabled: spec.network === "none",
		HostConfig: {
			...confinement(dialect, spec, facts),
			...ties(dialect, spec),
			NetworkMode: spec.network === "none" ? "none" : facts.openNetworkMode,
			...(limits.cpus > 0 ? { NanoCpus: Math.round(limits.cpus * 1e9) } : {}),
			// Swap counts on top of memory: as much of both is no swap.
			...(limits.memoryBytes > 0 ? { Memory: limits.memoryBytes, ...(facts.limitSwap ? { MemorySwap: limits.memoryBytes } : {}) } : {}),
			// Said also when there is none: Podman has a default of its own.
			PidsLimit: limits.pids > 0 ? limits.pids : -1,
			Tmpfs: { "/run/lms": "rw,nosuid,nodev,mode=0755,size=64m" },
			// The engine removes it when its first process has ended, for whatever reason, and after a restart of its own.
			AutoRemove: spec.persistence === "ephemeral",
			...(limits.diskBytes > 0 ? { StorageOpt: { size: String(limits.diskBytes) } } : {}),
		} as HostConfig,
	};
}

/** What every container of ours is kept from, whatever runs in it. */
export function confinement(dialect: Dialect, spec: MachineSpec, facts: EngineFacts): HostConfig {
	const runtime = dialect.runtime(spec, facts);
	return {
		CapDrop: ["ALL"],
		CapAdd: [...CAPABILITIES],
		SecurityOpt: ["no-new-privileges"],
		CgroupnsMode: "private",
		IpcMode: "private",
		Init: false,
		RestartPolicy: { Name: "no" },
		LogConfig: { ...dialect.logConfig },
		...(runtime === undefined ? {} : { Runtime: runtime }),
	} as HostConfig;
}
