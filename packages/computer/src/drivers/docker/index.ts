/** Docker, and whatever else is Docker by its API: Docker Desktop, OrbStack, Colima, Rancher Desktop. */
import type { Driver } from "../../driver.js";
import { dockerStrategies, podmanStrategies } from "../engine/candidates.js";
import type { Dialect } from "../engine/dialect.js";
import { EngineDriver } from "../engine/driver.js";
import type { EngineInfo } from "../engine/facts.js";
import { describeHost, type HostOptions } from "../engine/host.js";

export interface DockerDriverOptions extends HostOptions {
	/** The one engine to use, `unix:///path` or `tcp://host:port`; else all known places are searched. */
	readonly endpoint?: string | undefined;
}

const dialect: Dialect = {
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
	joinsFromNone: true,
	// Docker Desktop and those that came after it take Windows' own paths.
	hostPath: (path) => path,
	// Docker refuses a runtime that it does not know, in words that we understand.
	runtime: ({ runtime }) => runtime,
	readInfo: async (get) => (await get("/info")) as EngineInfo,
};

export function createDockerDriver(options: DockerDriverOptions = {}): Driver {
	return new EngineDriver(dialect, describeHost(options), options.endpoint);
}
