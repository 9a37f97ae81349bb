/**
 * What a driver is: it boots machines of one kind and knows nothing of shells or files.
 * Types only; a driver imports this, the errors, the limits and its own library.
 */
import type { Duplex } from "node:stream";

export type DriverName = "docker" | "podman" | "namespace";

export interface Abortable {
	readonly signal?: AbortSignal | undefined;
}

/** One step of something that takes longer than a second, for a progress line. */
export interface Progress {
	readonly phase: "pull" | "prepare" | "create" | "start" | "connect";
	/** A short text for people: `pulling ubuntu:24.04`. */
	readonly message: string;
	/** 0 to 1 where it is known. */
	readonly fraction?: number;
}

export interface CreateOptions extends Abortable {
	readonly onProgress?: ((progress: Progress) => void) | undefined;
	/** What may still speak against a machine: looked at meanwhile, and waited for before anything is made. */
	readonly admitted?: Promise<void> | undefined;
}

/** A port of the host that leads to one of the guest. */
export interface PublishedPort {
	/** IPv4 or IPv6. */
	readonly hostAddress: string;
	readonly hostPort: number;
	readonly guestPort: number;
	readonly protocol: "tcp" | "udp";
}

/** A folder of the host that the guest sees. */
export interface SharedFolder {
	/** Absolute, as the driver's host has it. */
	readonly hostPath: string;
	readonly guestPath: string;
	readonly readOnly: boolean;
}

/** What is installed before a machine is first made from its image. */
export interface Preset {
	readonly name: "none" | "minimal" | "python" | "node" | "build" | "network" | "full";
	/** Further packages, by the names of the image's own package manager. */
	readonly packages: readonly string[];
	/** Shell text that runs after the packages, with a network, as root. Empty: none. */
	readonly script: string;
	/** The caller asked for it: without it there is to be no machine. Else a machine without it is better than none. */
	readonly required: boolean;
}

/** What a machine is made from. Every field has a value; the defaults are in limits.ts. */
export interface MachineSpec {
	/** The computer's name: `[a-z0-9][a-z0-9_.-]{0,62}`. One machine per name and driver. */
	readonly name: string;
	/** Image reference; ignored by a driver whose capabilities say `images: false`. */
	readonly image: string;
	readonly hostname: string;
	/** 0 means no limit. */
	readonly cpus: number;
	/** 0 means no limit. */
	readonly memoryBytes: number;
	/** Of what the machine writes. 0 means no limit. */
	readonly diskBytes: number;
	/** 0 means no limit. */
	readonly pids: number;
	readonly network: "none" | "open";
	/** Addresses of name servers. Empty: the driver's own choice. */
	readonly dns: readonly string[];
	readonly ports: readonly PublishedPort[];
	readonly folders: readonly SharedFolder[];
	readonly preset: Preset;
	/** Who shells and programs run as: a name of the guest, `1000` or `1000:1000`. */
	readonly user: string;
	/** Ephemeral: nothing is left of it when its last holder has let go. */
	readonly persistence: "persistent" | "ephemeral";
	/** Without a call and a command for so long, it stops. 0 means never. */
	readonly idleStopMs: number;
	readonly env: Readonly<Record<string, string>>;
	/** OCI runtime such as `runsc`; undefined is the engine's own. */
	readonly runtime?: string | undefined;
}

/** What of a machine can be changed while it runs. */
export type LiveSettings = Partial<Pick<MachineSpec, "cpus" | "memoryBytes" | "pids" | "idleStopMs">>;

/** How far the guest is from the host's kernel. */
export type Boundary = "shared-kernel" | "user-kernel" | "vm";

/** What a driver can do here, now. A total record: no key is optional, and what is false is refused with `not_supported`. */
export interface Capabilities {
	readonly boundary: Boundary;
	/** Machines are made from an image of the caller's choice; else from the host's own system directories. */
	readonly images: boolean;
	/** `network: "open"` works. */
	readonly openNetwork: boolean;
	readonly limitCpus: boolean;
	readonly limitMemory: boolean;
	readonly limitPids: boolean;
	/** The file system itself keeps `diskBytes`; else the agent watches it and refuses what comes through its file requests alone. */
	readonly limitDisk: boolean;
	/** `folders` of this host are shown in the guest. */
	readonly sharedFolders: boolean;
	/** `ports` are published on this host. */
	readonly publishPorts: boolean;
	/** `user` may be another one than root. */
	readonly otherUsers: boolean;
	/** Presets are installed; else the programs have to be there already. */
	readonly installPresets: boolean;
	/**
	 * `setNetwork` from none to open: by starting anew with the same files, or not at all. One made with an open network loses it and gets it back with everything
	 * going on, unless the driver runs without root.
	 */
	readonly switchNetwork: "restart" | "refused";
	/** Packages can be installed below /usr by root in the guest. */
	readonly writableSystem: boolean;
	/** Machines have `checkpoints`. */
	readonly checkpoints: boolean;
	/** The driver itself runs without root. */
	readonly rootless: boolean;
}

/** The answer of a probe: usable, or why not and what to do. */
export type Availability =
	| {
			readonly usable: true;
			readonly version: string;
			/** Where the engine was found, for people: a socket, a pipe, a URL, or `this kernel`. */
			readonly endpoint: string;
			readonly capabilities: Capabilities;
	  }
	| {
			readonly usable: false;
			readonly reason: string;
			readonly hint: string;
			/** Every place that was tried, and what came. */
			readonly tried: readonly { readonly endpoint: string; readonly reason: string }[];
	  };

export type MachineState = "running" | "stopped" | "paused" | "broken";

export interface MachineInfo {
	/** The driver's own identifier: a container id, or the machine's directory name. */
	readonly id: string;
	readonly name: string;
	readonly driver: DriverName;
	readonly state: MachineState;
	/** It is broken because its removal was begun and not brought to its end. What is broken for another reason may have all of its files. */
	readonly halfRemoved?: boolean;
	/** The image as asked for, or `host` for a driver without images. */
	readonly image: string;
	/** Unix time in ms. */
	readonly createdAt: number;
	/** Made by this user of this host, from the same state directory. What others have made is used by its name alone. */
	readonly own: boolean;
	/** What it has written, where that was asked for and is known. */
	readonly sizeBytes?: number;
	/** What it has now, by the driver; an allow-list is beside it. */
	readonly network: MachineSpec["network"];
	/** Limits and settings asked for that this machine does not have, for people. Empty when all were applied. */
	readonly warnings: readonly string[];
}

export interface Sight {
	readonly info: MachineInfo;
	/** As `settings` answers. */
	readonly settings: MachineSpec | undefined;
}

/** A booted (or bootable) machine. Every method rejects with a ComputerError; `machine_gone` when it no longer exists. */
export interface Machine {
	readonly id: string;
	readonly name: string;
	readonly driver: DriverName;
	/** What `create` or `attach` saw of it, where they had to look: true of that moment alone. */
	readonly seen?: Sight | undefined;
	inspect(options?: Abortable): Promise<MachineInfo>;
	/**
	 * Idempotent: a running machine is left alone, a paused one goes on. `machine_failed` with `startable: false` in its context when it can not be started
	 * any more, but be rebuilt with its files.
	 */
	start(options?: Abortable): Promise<void>;
	/** That its files are being saved is known on this host: it goes on by itself, and looks as if it ran. Asks no engine. */
	standsStill?(): Promise<boolean>;
	/** Idempotent. TERM to the agent, then KILL. Files are kept, but an ephemeral machine is gone then. */
	stop(options?: Abortable): Promise<void>;
	/** As stop and start, and an ephemeral machine keeps its files too. Answers the machine that has the name now. */
	restart(options?: Abortable): Promise<Machine>;
	/** Idempotent. Nothing is left: no process, no file, no cgroup. */
	remove(options?: Abortable): Promise<void>;
	/** Idempotent. `not_supported` where it can not be changed while the machine runs; with `context.rebuild` a machine made anew can have it. */
	setNetwork(network: MachineSpec["network"], options?: Abortable): Promise<void>;
	/** A running spare of a pool (SPARE_PATTERN in limits.ts) gets its name; answers the machine of that name. `already_exists` when something has it. */
	claim(name: string, options?: Abortable): Promise<Machine>;
	/** A new byte stream to the running agent. Destroying it ends whatever was spawned for it. */
	connect(options?: Abortable): Promise<Duplex>;
	/** What it is made from, with all that was changed since. Undefined: it does not say. */
	settings(options?: Abortable): Promise<MachineSpec | undefined>;
	/**
	 * Changes what can be changed in place, at once and for later starts; `idleStopMs` for later starts alone, the agent is told by who holds it.
	 * All or nothing as far as the kernel lets it; what can not be applied is `not_supported`, or `busy` for less memory than is in use.
	 */
	reconfigure(changes: LiveSettings, options?: Abortable): Promise<void>;
	/**
	 * Makes the machine anew with other settings and starts it; this is no longer the machine of that name, the answer is. Checkpoints stay. When it
	 * fails or its process dies at any instant, the name still has one machine that can be started, unless it is ephemeral.
	 */
	rebuild(spec: MachineSpec, options: RebuildOptions): Promise<Machine>;
	/** Undefined where the driver's capabilities say `checkpoints: false`. */
	readonly checkpoints: CheckpointStore | undefined;
}

export interface RebuildOptions extends CreateOptions {
	/** With its files as they are, which is `invalid_argument` for another image; else as a new one. */
	readonly keepFiles: boolean;
}

/** A saved state of a computer's files. Running programs, /tmp and what else is in memory are not in it. */
export interface Checkpoint {
	/** Unlike any other on this driver: `[0-9a-f]{12}`. */
	readonly id: string;
	/** The caller's words; may be empty. */
	readonly label: string;
	/** Unix time in ms. */
	readonly createdAt: number;
	/** What it takes by itself, where the driver knows. */
	readonly sizeBytes?: number;
}

export interface StoredCheckpoint extends Checkpoint {
	/** The machine goes back to this one: its last rollback was to it, or its files still rest on it. */
	readonly inUse: boolean;
}

/** A machine's checkpoints. They are the machine's: removing it removes them. An id that is not one of them is `not_found`. */
export interface CheckpointStore {
	/** A running machine is frozen meanwhile and goes on afterwards. There whole or not at all. */
	make(label: string, options?: Abortable): Promise<Checkpoint>;
	/** Oldest first. */
	list(options?: Abortable): Promise<readonly StoredCheckpoint[]>;
	remove(id: string, options?: Abortable): Promise<void>;
	/**
	 * Puts the machine's files back and starts it; this is no longer the machine of that name, the answer is. What was changed since is gone.
	 * When it fails or its process dies at any instant, the name still has one machine that can be started, with the files of before or after.
	 */
	rollback(id: string, options?: RollbackOptions): Promise<RolledBack>;
	/** A new, started machine with the files of a checkpoint, or of now, and the same settings but for the changes. `already_exists` when the name is taken. */
	fork(id: string | undefined, name: string, options?: ForkOptions): Promise<Machine>;
}

export interface RollbackOptions extends Abortable {
	/** Called once the checkpoint was found and before anything is changed. */
	readonly onFound?: ((checkpoint: Checkpoint) => void) | undefined;
}

export interface RolledBack {
	readonly machine: Machine;
	/** Takes away what is left of the machine of before. Nobody needs to wait for it: the next rollback, or `prune`, does it otherwise. */
	tidy(): Promise<void>;
}

export interface ForkOptions extends Abortable {
	readonly changes?: Partial<Pick<MachineSpec, "persistence" | "ports" | "network">> | undefined;
}

/** Something of ours that nobody needs any more: what processes that were killed have left, or what newer things have superseded. */
export interface Leftover {
	readonly driver: DriverName;
	readonly kind: "machine" | "container" | "image" | "directory" | "record";
	/** A name, as the engine's own tools or a path show it. */
	readonly what: string;
	/** Why it is one, for people. */
	readonly why: string;
	readonly sizeBytes?: number;
	/** Idempotent. */
	remove(options?: Abortable): Promise<void>;
}

export interface ListOptions extends Abortable {
	/** `sizeBytes` of each, which takes a while. */
	readonly sizes?: boolean | undefined;
	/** This owner's alone. */
	readonly own?: boolean | undefined;
}

export interface Driver {
	readonly name: DriverName;
	/** Reports why or why not; never throws. */
	probe(options?: Abortable): Promise<Availability>;
	/** Makes and starts a machine. `already_exists` when the name is taken: attach to it then. Leaves nothing behind when it fails or is aborted. */
	create(spec: MachineSpec, options?: CreateOptions): Promise<Machine>;
	/** The machine of that name in whatever state, or undefined. Never starts it. */
	attach(name: string, options?: Abortable): Promise<Machine | undefined>;
	list(options?: ListOptions): Promise<readonly MachineInfo[]>;
	/** How many there are of this owner. */
	count(options?: Abortable): Promise<number>;
	/** Of this owner's alone, and of nothing that may still be in the making. */
	leftovers(options?: Abortable): Promise<readonly Leftover[]>;
	/**
	 * The engine is the one that is found where the user names none. What this host keeps of computers is by driver and name: seen from another engine, they
	 * seem to be gone.
	 */
	isUsual(options?: Abortable): Promise<boolean>;
	/** Lets go of what the driver holds on the host (sockets, timers). Machines live on. */
	close(): Promise<void>;
}
