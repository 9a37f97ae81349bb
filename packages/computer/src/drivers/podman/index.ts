/** Podman by its Docker-compatible API. Where no service runs, one of our own is started for as long as it is used. */
import { access, constants } from "node:fs/promises";
import type { Driver } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import type { EngineApi } from "../engine/api.js";
import { dockerStrategies, podmanStrategies } from "../engine/candidates.js";
import type { Limits } from "../engine/container-options.js";
import type { Dialect, Stored } from "../engine/dialect.js";
import { EngineDriver } from "../engine/driver.js";
import type { EngineFacts, EngineInfo } from "../engine/facts.js";
import { describeHost, type HostOptions } from "../engine/host.js";
import { isFrozen, thaw } from "./frozen.js";
import { endOrphanedMonitors, NAME_PREFIX } from "./monitors.js";
import { startService } from "./service.js";

export interface PodmanDriverOptions extends HostOptions {
	/** The one engine to use, `unix:///path` or `tcp://host:port`; else all known places are searched. */
	readonly endpoint?: string | undefined;
}

export const dialect: Dialect = {
	name: "podman",
	product: "Podman",
	strategies: [...podmanStrategies, ...dockerStrategies],
	startEngine: async (host, signal) => {
		const path = await startService(host, { signal });
		return path === undefined ? undefined : { kind: "socket", path };
	},
	startHint: ({ platform }) => (platform === "linux" ? "Look at what `podman info` says." : "Start its machine: `podman machine start`."),
	installHint: "Install Podman (https://podman.io/docs/installation), or use another driver.",
	// The compatible API may read a short name as Docker Hub's alone, while a local build is localhost's.
	imageNames: (reference) => (hasRegistry(reference) ? [reference] : [reference, `localhost/${reference}`]),
	logConfig: { Type: "k8s-file", Config: { "max-size": "64k" } },
	defaultNetwork: "podman",
	// `"" is not supported: invalid network mode` (4.3): only what was made in a bridge's network can leave it and come back.
	joinsNone: false,
	// Its machine on Windows has the drives below /mnt, as WSL does; elsewhere paths are the host's.
	hostPath: (path) => {
		const [, drive, rest = ""] = /^([A-Za-z]):[\\/](.*)$/s.exec(path) ?? [];
		return drive === undefined ? path : `/mnt/${drive.toLowerCase()}/${rest.replaceAll("\\", "/")}`;
	},
	runtime: ({ runtime }, { defaultRuntime }) => {
		if (runtime === undefined || runtime === defaultRuntime) return undefined;
		// Podman's compatible API takes the field and ignores it.
		throw new ComputerError(
			"not_supported",
			`The OCI runtime ${runtime} was asked for; Podman's API can only use its default, ${defaultRuntime}`,
			{
				hint: `Set \`runtime = "${runtime}"\` below [engine] in containers.conf, or use the docker driver.`,
				context: { driver: "podman", runtime },
			},
		);
	},
	losesNames: true,
	updateLimits: { run: updateLimits, lasts: false },
	afterRemove: endOrphanedMonitors,
	freezer: { isFrozen, thaw },
	stored,
	// Podman's own: the compatible one tells what the kernel can limit, not what a rootless Podman may.
	readInfo: async (get) => {
		const info = readLibpodInfo(await get("/v4.0.0/libpod/info"));
		return info.UserNetwork ? { ...info, UserNetwork: await usable(info.UserNetwork) } : info;
	},
};

const CPU_PERIOD_US = 100_000;

/** Podman's own way, since 4.3: the compatible one came with 5. The limits are an OCI runtime's, where -1 is none. */
async function updateLimits(
	api: EngineApi,
	id: string,
	{ cpus, memoryBytes, pids }: Partial<Limits>,
	facts: EngineFacts,
	abortSignal: AbortSignal,
): Promise<void> {
	const memory = memoryBytes === 0 ? -1 : memoryBytes;
	const resources = {
		...(cpus === undefined ? {} : { cpu: { quota: cpus > 0 ? Math.round(cpus * CPU_PERIOD_US) : -1, period: CPU_PERIOD_US } }),
		...(memory === undefined ? {} : { memory: { limit: memory, ...(facts.limitSwap ? { swap: memory } : {}) } }),
		...(pids === undefined ? {} : { pids: { limit: pids > 0 ? pids : -1 } }),
	};
	await api.order("POST", `/v4.0.0/libpod/containers/${id}/update`, { abortSignal }, resources);
}

/** Podman's own list has what is in its store alone, too: https://docs.podman.io/en/latest/_static/api.html#tag/containers/operation/ContainerListLibpod */
async function stored(api: EngineApi, abortSignal: AbortSignal): Promise<readonly Stored[]> {
	interface Listed {
		readonly Id: string;
		readonly Names?: readonly string[];
		readonly State: string;
		/** RFC 3339. */
		readonly Created: string;
	}
	const all = await api.json<readonly Listed[]>("GET", "/v4.0.0/libpod/containers/json", { all: true, external: true, abortSignal });
	return all.flatMap(({ Id: id, Names: [name = ""] = [], State, Created }) =>
		// Others make images in that store.
		name.startsWith(NAME_PREFIX) ? [{ id, name, createdSeconds: Date.parse(Created) / 1000, isListed: State !== "storage" }] : [],
	);
}

/** https://docs.podman.io/en/latest/_static/api.html#tag/system/operation/SystemInfoLibpod */
interface LibpodInfo {
	readonly host?: {
		readonly hostname?: string;
		readonly cpus?: number;
		readonly cgroupControllers?: readonly string[];
		readonly ociRuntime?: { readonly name?: string };
		readonly security?: { readonly rootless?: boolean };
		readonly pasta?: { readonly executable?: string };
		readonly slirp4netns?: { readonly executable?: string };
	};
	readonly store?: { readonly graphDriverName?: string; readonly graphStatus?: Readonly<Record<string, string>> };
}

function readLibpodInfo(answer: unknown): EngineInfo {
	const { host, store } = answer as LibpodInfo;
	const { hostname, cpus, cgroupControllers, ociRuntime, pasta, security, slirp4netns } = host ?? {};
	return {
		...(store?.graphDriverName === undefined ? {} : { Driver: store.graphDriverName }),
		DriverStatus: Object.entries(store?.graphStatus ?? {}),
		...(hostname === undefined ? {} : { Name: hostname }),
		...(cpus === undefined ? {} : { NCPU: cpus }),
		...(cgroupControllers === undefined ? {} : { CgroupControllers: cgroupControllers }),
		...(ociRuntime?.name === undefined ? {} : { DefaultRuntime: ociRuntime.name }),
		Rootless: security?.rootless === true,
		// Without root there is no bridge: a program carries what goes in and out.
		...(security?.rootless === true ? { UserNetwork: pasta?.executable ? "pasta" : slirp4netns?.executable ? "slirp4netns" : "" } : {}),
	};
}

/** Both programs need the device, which some hosts keep for root. Podman's machine is another host, which we can not ask. */
async function usable(program: string): Promise<string> {
	if (process.platform !== "linux") return program;
	return await access("/dev/net/tun", constants.R_OK | constants.W_OK).then(
		() => program,
		() => "",
	);
}

/** The first part of a reference is a registry if it looks like a host: https://pkg.go.dev/github.com/distribution/reference. */
function hasRegistry(reference: string): boolean {
	const [first = "", ...rest] = reference.split("/");
	return rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
}

export function createPodmanDriver(options: PodmanDriverOptions = {}): Driver {
	return new EngineDriver(dialect, describeHost(options), options.endpoint);
}
