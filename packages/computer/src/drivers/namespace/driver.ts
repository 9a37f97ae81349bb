import { join } from "node:path";
import type {
	Abortable,
	Availability,
	CreateOptions,
	Driver,
	Leftover,
	ListOptions,
	Machine,
	MachineInfo,
	MachineSpec,
} from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { NAME_PATTERN } from "../../limits.js";
import { agentBinary } from "../agent-binary.js";
import { stateDirectory } from "../state-directory.js";
import { cancellation, throwIfCanceled } from "./deadline.js";
import { findLeftovers, removeDead } from "./leftovers.js";
import { NamespaceMachine } from "./machine.js";
import { refuseWhatIsMissing } from "./missing.js";
import { probeKernel } from "./probe.js";
import { createRecord, directoryTime, machineNames } from "./record.js";

export interface NamespaceOptions {
	/** Where the machines are kept; see state-directory.ts for the default. */
	readonly stateDirectory?: string;
	/** The agent for this host; the package's own by default. */
	readonly agentPath?: string;
}

/** Machines from the kernel's namespaces alone: no engine, no image, no download. See docs/decisions/0002-namespace-driver-in-go.md. */
export function createNamespaceDriver(options: NamespaceOptions = {}): Driver {
	return new NamespaceDriver(options);
}

class NamespaceDriver implements Driver {
	readonly name = "namespace";
	readonly #root: string;
	readonly #agentPath: () => string;

	constructor(options: NamespaceOptions) {
		this.#root = join(options.stateDirectory ?? stateDirectory(), "namespace");
		this.#agentPath = () => options.agentPath ?? hostAgent();
	}

	probe(options: Abortable = {}): Promise<Availability> {
		return probeKernel(this.#root, this.#agentPath, options.signal);
	}

	async create(spec: MachineSpec, options: CreateOptions = {}): Promise<Machine> {
		const { signal, onProgress } = options;
		await refuseWhatIsMissing(spec);
		const machine = this.#machine(spec.name);
		throwIfCanceled(signal);
		await options.admitted;
		const cleared = removeDead(this.#root, (name) => this.#machine(name));
		await createRecord(this.#root, spec, this.#agentPath);
		try {
			onProgress?.({ phase: "start", message: `starting ${spec.name}` });
			await machine.bootNew(spec, { signal });
		} catch (error) {
			// `busy` here: someone has attached meanwhile and brought it up, so it is not ours to remove any more.
			await machine.discard().catch(() => {});
			throw error;
		}
		await cleared;
		if (signal?.aborted) {
			await machine.remove();
			throw cancellation(signal);
		}
		return machine;
	}

	async attach(name: string, _options?: Abortable): Promise<Machine | undefined> {
		const machine = this.#machine(name);
		return (await directoryTime(join(this.#root, name))) === undefined ? undefined : machine;
	}

	async list(options: ListOptions = {}): Promise<readonly MachineInfo[]> {
		const names = await machineNames(this.#root);
		const found = await Promise.all(names.map((name) => this.#info(name, options).catch(undefinedIfGone)));
		return found.filter((info) => info !== undefined);
	}

	async count(_options?: Abortable): Promise<number> {
		return (await machineNames(this.#root)).length;
	}

	async leftovers(_options?: Abortable): Promise<readonly Leftover[]> {
		return await findLeftovers(this.#root, (name) => this.#machine(name), this.#agentPath);
	}

	/** There is one kernel. */
	async isUsual(): Promise<boolean> {
		return true;
	}

	/** Holds nothing. */
	async close(): Promise<void> {}

	async #info(name: string, options: ListOptions): Promise<MachineInfo> {
		const machine = this.#machine(name);
		const info = await machine.inspect(options);
		return options.sizes ? { ...info, sizeBytes: await machine.size(options) } : info;
	}

	#machine(name: string): NamespaceMachine {
		if (!NAME_PATTERN.test(name)) {
			throw new ComputerError("invalid_argument", `Expected a name like ${NAME_PATTERN.source}, got ${JSON.stringify(name)}`);
		}
		return new NamespaceMachine(this.#root, name, this.#agentPath);
	}
}

function hostAgent(): string {
	if (process.arch === "x64") return agentBinary("amd64");
	if (process.arch === "arm64") return agentBinary("arm64");
	throw new ComputerError("driver_unavailable", `There is an agent for x64 and arm64, this is ${process.arch}`, {
		hint: "Use Docker or Podman here.",
	});
}

function undefinedIfGone(error: unknown): undefined {
	if (!isComputerError(error, "machine_gone")) throw error;
}
