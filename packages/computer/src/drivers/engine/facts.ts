/** What an engine says of itself, and what follows for machines; pure. */
import type { Boundary, Capabilities } from "../../driver.js";
import { describeEndpoint, type Endpoint } from "./endpoint.js";

/** The part of Docker's `GET /info` that is used, and what Podman says instead. Every field may be missing. */
export interface EngineInfo {
	readonly OperatingSystem?: string;
	readonly Name?: string;
	readonly NCPU?: number;
	readonly CpuCfsQuota?: boolean;
	readonly MemoryLimit?: boolean;
	readonly SwapLimit?: boolean;
	readonly PidsLimit?: boolean;
	readonly DefaultRuntime?: string;
	readonly SecurityOptions?: readonly string[] | null;
	readonly Rootless?: boolean;
	/** The cgroup controllers that the engine may use, where it says so; a rootless one often has fewer than the kernel. */
	readonly CgroupControllers?: readonly string[];
}

export interface EngineFacts {
	readonly capabilities: Capabilities;
	/** Of the engine's machine; 0 when it does not say. */
	readonly cpus: number;
	readonly limitSwap: boolean;
	readonly defaultRuntime: string | undefined;
}

export function readFacts(info: EngineInfo, endpoint: Endpoint, platform: NodeJS.Platform): EngineFacts {
	const has = (controller: string): boolean => info.CgroupControllers?.includes(controller) ?? true;
	return {
		cpus: info.NCPU ?? 0,
		limitSwap: info.SwapLimit !== false,
		defaultRuntime: info.DefaultRuntime,
		capabilities: {
			boundary: boundaryOf(info, endpoint, platform),
			images: true,
			openNetwork: true,
			limitCpus: info.CpuCfsQuota !== false && has("cpu"),
			limitMemory: info.MemoryLimit !== false && has("memory"),
			limitPids: info.PidsLimit !== false && has("pids"),
			writableSystem: true,
			checkpoints: true,
			rootless: info.Rootless === true || (info.SecurityOptions ?? []).some((option) => /^name=rootless\b/.test(option)),
		},
	};
}

function boundaryOf(info: EngineInfo, endpoint: Endpoint, platform: NodeJS.Platform): Boundary {
	const runtime = info.DefaultRuntime ?? "";
	if (/runsc|gvisor/.test(runtime)) return "user-kernel";
	// Linux containers elsewhere are always in somebody's virtual machine.
	if (platform !== "linux" || /kata|krun/.test(runtime)) return "vm";
	const isDesktop = /Docker Desktop|OrbStack|Rancher Desktop/i.test(info.OperatingSystem ?? "");
	const isLima = /^(colima|lima)\b/.test(info.Name ?? "") || /\/\.(colima|lima)\//.test(describeEndpoint(endpoint));
	return isDesktop || isLima || /podman[/-]machine/.test(describeEndpoint(endpoint)) ? "vm" : "shared-kernel";
}
