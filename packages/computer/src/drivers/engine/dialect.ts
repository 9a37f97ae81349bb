import type { MachineSpec } from "../../driver.js";
import type { EngineApi } from "./api.js";
import type { EngineKind, Strategy } from "./candidates.js";
import type { Limits } from "./container-options.js";
import type { Endpoint } from "./endpoint.js";
import type { EngineFacts, EngineInfo } from "./facts.js";
import type { Host } from "./host.js";

export interface Stored {
	readonly id: string;
	readonly name: string;
	/** Unix time. */
	readonly createdSeconds: number;
	/** False: in its store alone. */
	readonly isListed: boolean;
}

/** How Docker and Podman differ; all else is shared. */
export interface Dialect {
	readonly name: EngineKind;
	/** For people. */
	readonly product: "Docker" | "Podman";
	/** Where to look, best first. Both engines' places: either may listen at the other's. */
	readonly strategies: readonly Strategy[];
	/** When nothing answers: starts the engine, answers where. Undefined where that can not be done here. */
	readonly startEngine?: ((host: Host, signal?: AbortSignal) => Promise<Endpoint | undefined>) | undefined;
	/** What to do when there is none, by platform. */
	startHint(host: Host): string;
	readonly installHint: string;
	/** References under which an image may be known locally, best first. */
	imageNames(reference: string): readonly string[];
	/** A small log of what PID 1 says, for errors. */
	readonly logConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
	/** What `NetworkMode: default` is. */
	readonly defaultNetwork: string;
	/** A container that is taken out of its network has to be put into the one that is none. */
	readonly joinsNone: boolean;
	/** A folder of the host as the engine knows it: its own machine may see the host's disks elsewhere. */
	hostPath(path: string): string;
	/** The OCI runtime to ask the engine for. Throws `not_supported` where the engine would ignore it. */
	runtime(spec: MachineSpec, facts: EngineFacts): string | undefined;
	/** Changes limits of a container; 0 means none. One that the engine forgets when the container stops is set again at each start. */
	readonly updateLimits: {
		run(docker: EngineApi, containerId: string, limits: Partial<Limits>, facts: EngineFacts, abortSignal: AbortSignal): Promise<void>;
		/** Also of a container that does not run, and for all its later runs. */
		readonly lasts: boolean;
	};
	/** Clears what the engine leaves of a container that is gone; of all of ours that are, since ephemeral ones go when nobody of us looks on. */
	readonly afterRemove?: ((containerId?: string) => Promise<void>) | undefined;
	/** A name that a container gets while it is being removed is taken for good: see naming.ts. */
	readonly losesNames: boolean;
	/** Containers of ours, by their names, as an engine has them that can fail to list them: see unlisted.ts and list-containers.ts. */
	readonly stored?: ((docker: EngineApi, abortSignal: AbortSignal) => Promise<readonly Stored[]>) | undefined;
	/** Of an engine on this host that can forget what it has frozen. */
	readonly freezer?:
		| { isFrozen(containerId: string, pid: number): Promise<boolean>; thaw(containerId: string, pid: number): Promise<void> }
		| undefined;
	/** What the engine says of itself, by as few requests as it takes. */
	readInfo(get: (path: string) => Promise<unknown>): Promise<EngineInfo>;
}
