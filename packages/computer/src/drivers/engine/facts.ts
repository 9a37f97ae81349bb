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
	/** How images and containers are stored, and facts about it. */
	readonly Driver?: string;
	readonly DriverStatus?: readonly (readonly [string, string])[] | null;
	/** The network of an engine without root, where it says so; empty: it has none. */
	readonly UserNetwork?: string;
	/** The cgroup controllers that the engine may use, where it says so; a rootless one often has fewer than the kernel. */
	readonly CgroupControllers?: readonly string[];
}

export interface EngineFacts {
	readonly capabilities: Capabilities;
	/** Of the engine's machine; 0 when it does not say. */
	readonly cpus: number;
	readonly limitSwap: boolean;
	readonly defaultRuntime: string | undefined;
	/** The engine's name for an open network. */
	readonly openNetworkMode: string;
}

export function readFacts(info: EngineInfo, endpoint: Endpoint, platform: NodeJS.Platform): EngineFacts {
	const rootless = info.Rootless === true || (info.SecurityOptions ?? []).some((option) => /^name=rootless\b/.test(option));
	const openNetwork = info.UserNetwork !== "";
	const has = (controller: string): boolean => info.CgroupControllers?.includes(controller) ?? true;
	return {
		cpus: info.NCPU ?? 0,
		limitSwap: info.SwapLimit !== false,
		defaultRuntime: info.DefaultRuntime,
		openNetworkMode: info.UserNetwork || "default",
		capabilities: {
			boundary: boundaryOf(info, endpoint, platform),
			images: true,
			openNetwork,
			limitCpus: info.CpuCfsQuota !== false && has("cpu"),
			limitMemory: info.MemoryLimit !== false && has("memory"),
			limitDisk: limitsDisk(info, rootless),
			sharedFolders: isHere(endpoint),
			publishPorts: openNetwork,
			otherUsers: true,
			installPresets: openNetwork,
			switchNetwork: openNetwork ? "restart" : "refused",
			limitPids: info.PidsLimit !== false && has("pids"),
			writableSystem: true,
			checkpoints: true,
			rootless,
		},
	};
}

/** Whether a container's size can be limited: https://docs.docker.com/reference/cli/docker/container/run/#storage-opt. XFS must have project quotas, which none tells. */
function limitsDisk({ Driver: driver = "", DriverStatus: status }: EngineInfo, rootless: boolean): boolean {
	if (rootless) return false;
	const isOnXfs = (status ?? []).some(([key, value]) => /^backing file ?system$/i.test(key) && /xfs/i.test(value));
	return ["btrfs", "zfs", "windowsfilter"].includes(driver) || (/^overlay2?$/.test(driver) && isOnXfs);
}

/** Folders of this host are of another one for an engine that is reached over the network. */
function isHere(endpoint: Endpoint): boolean {
	return endpoint.kind === "socket" || /^(localhost|127\.[\d.]+|::1)$/.test(endpoint.host);
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
