/** Docker, and whatever else is Docker by its API: Docker Desktop, OrbStack, Colima, Rancher Desktop. */

import type { Driver } from "../../driver.js";
import type { EngineApi } from "../engine/api.js";
import { dockerStrategies, podmanStrategies } from "../engine/candidates.js";
import type { Limits } from "../engine/container-options.js";
import type { Dialect } from "../engine/dialect.js";
import { EngineDriver } from "../engine/driver.js";
import type { EngineFacts, EngineInfo } from "../engine/facts.js";
import { describeHost, type HostOptions } from "../engine/host.js";
import { endLost } from "./lost.js";

export interface DockerDriverOptions extends HostOptions {
	/** The one engine to use, `unix:///path` or `tcp://host:port`; else all known places are searched. */
	readonly endpoint?: string | undefined;
}

export const dialect: Dialect = {
	name: "docker",
	product: "Docker",
	strategies: [...dockerStrategies, ...podmanStrategies],
	startHint: ({ platform }) =>
		platform === "linux"
			? "Start it: `sudo systemctl start docker`."
			: "Start Docker Desktop, OrbStack, Colima or what else brings Docker here.",
	installHint: "Install Docker (https://docs.docker.com/get-docker/), or use another driver.",
	imageNames: (reference) => [reference],
	logConfig: { Type: "json-file", Config: { "max-size": "64k", "max-file": "1" } },
	defaultNetwork: "bridge",
	joinsNone: true,
	// Docker Desktop and those that came after it take Windows' own paths.
	hostPath: (path) => path,
	// Docker refuses a runtime that it does not know, in words that we understand.
	runtime: ({ runtime }) => runtime,
	losesNames: false,
	updateLimits: { run: updateLimits, lasts: true },
	afterRemove: endLost,
	readInfo: async (get) => (await get("/info")) as EngineInfo,
};

/** A zero changes nothing there, and no other value means none: so as many as there are, and more than there can be. */
const NO_MEMORY_LIMIT = 2 ** 53;

async function updateLimits(
	docker: EngineApi,
	id: string,
	{ cpus, memoryBytes, pids }: Partial<Limits>,
	facts: EngineFacts,
	abortSignal: AbortSignal,
): Promise<void> {
	const memory = memoryBytes === 0 ? NO_MEMORY_LIMIT : memoryBytes;
	const changes = {
		...(cpus === undefined ? {} : { NanoCpus: Math.round((cpus || facts.cpus) * 1e9) }),
		...(memory === undefined ? {} : { Memory: memory, ...(facts.limitSwap ? { MemorySwap: memory } : {}) }),
		...(pids === undefined ? {} : { PidsLimit: pids > 0 ? pids : -1 }),
	};
	await docker.getContainer(id).update({ ...changes, abortSignal });
}

export function createDockerDriver(options: DockerDriverOptions = {}): Driver {
	return new EngineDriver(dialect, describeHost(options), options.endpoint);
}
