/** A driver whose machines are plain processes of the real agent: boots in ms, needs nothing, isolates nothing. For tests of what is above drivers. */
import type { Duplex } from "node:stream";
import type { Driver, LiveSettings, Machine, MachineInfo, MachineSpec, MachineState } from "../../packages/computer/src/driver.js";
import { ComputerError } from "../../packages/computer/src/errors/index.js";
import { type RealAgent, startAgent } from "../agent/guest.js";

export class ProcessDriver implements Driver {
	readonly name = "namespace";
	readonly machines = new Map<string, ProcessMachine>();
	/** How often each was called. */
	readonly calls = { create: 0, attach: 0, close: 0 };

	async probe() {
		const capabilities = {
			boundary: "shared-kernel",
			images: false,
			openNetwork: true,
			limitCpus: false,
			limitMemory: false,
			limitPids: false,
			limitDisk: false,
			sharedFolders: false,
			publishPorts: false,
			otherUsers: false,
			installPresets: false,
			switchNetwork: "refused",
			writableSystem: true,
			checkpoints: false,
			rootless: true,
		} as const;
		return { usable: true, version: "1", endpoint: "this process", capabilities } as const;
	}

	async create(spec: MachineSpec): Promise<Machine> {
		this.calls.create++;
		if (this.machines.has(spec.name)) throw new ComputerError("already_exists", `${spec.name} is there`);
		const machine = new ProcessMachine(this, spec);
		this.machines.set(spec.name, machine);
		await machine.start();
		return machine;
	}

	async attach(name: string): Promise<Machine | undefined> {
		this.calls.attach++;
		return this.machines.get(name);
	}

	async list() {
		return Promise.all([...this.machines.values()].map((machine) => machine.inspect()));
	}

	async count() {
		return this.machines.size;
	}

	async leftovers() {
		return [];
	}

	async isUsual() {
		return true;
	}

	async close() {
		this.calls.close++;
	}

	async removeAll() {
		await Promise.all([...this.machines.values()].map((machine) => machine.remove()));
	}
}

export class ProcessMachine implements Machine {
	readonly driver = "namespace";
	readonly checkpoints = undefined;
	readonly id: string;
	readonly name: string;
	state: MachineState = "stopped";
	halfRemoved = false;
	saving = false;
	warnings: string[] = [];
	spec: MachineSpec;
	agent: RealAgent | undefined;
	readonly #driver: ProcessDriver;

	constructor(driver: ProcessDriver, spec: MachineSpec) {
		this.#driver = driver;
		this.id = spec.name;
		this.name = spec.name;
		this.spec = spec;
	}

	async inspect(): Promise<MachineInfo> {
		this.#expectThere();
		const { id, name, driver, state, halfRemoved, warnings } = this;
		return { id, name, driver, state, halfRemoved, image: "host", createdAt: 0, network: "none", own: true, warnings };
	}

	async start(): Promise<void> {
		this.#expectThere();
		if (this.state === "broken") throw new ComputerError("machine_failed", `${this.name} can not be started`);
		this.agent ??= await startAgent();
		this.state = "running";
	}

	async standsStill(): Promise<boolean> {
		return this.saving;
	}

	async stop(): Promise<void> {
		const agent = this.agent;
		this.agent = undefined;
		this.state = "stopped";
		await agent?.stop();
	}

	async setNetwork(network: "none" | "open"): Promise<void> {
		if (network === "open") throw new ComputerError("not_supported", "it has the host's network");
	}

	async restart(): Promise<Machine> {
		await this.stop();
		await this.start();
		return this;
	}

	async settings(): Promise<MachineSpec> {
		this.#expectThere();
		return this.spec;
	}

	async reconfigure(changes: LiveSettings): Promise<void> {
		this.#expectThere();
		this.spec = { ...this.spec, ...changes };
	}

	async rebuild(spec: MachineSpec): Promise<Machine> {
		this.spec = spec;
		await this.restart();
		return this;
	}

	async remove(): Promise<void> {
		this.#driver.machines.delete(this.name);
		await this.stop();
	}

	async claim(): Promise<Machine> {
		throw new ComputerError("not_supported", "it has one name");
	}

	async connect(): Promise<Duplex> {
		this.#expectThere();
		if (this.agent === undefined) throw new ComputerError("machine_gone", "it does not run");
		return this.agent.connect();
	}

	#expectThere(): void {
		if (this.#driver.machines.get(this.name) !== this) throw new ComputerError("machine_gone", `${this.name} was removed`);
	}
}
