/**
 * Spare computers, made ahead so that the next one is there in milliseconds: running, connected to, with a shell. They are ephemeral machines that this
 * process holds. When it ends, however that comes about, they end by themselves as every ephemeral machine does that nobody holds.
 */
import { randomBytes } from "node:crypto";
import { Connection } from "./agent/connection.js";
import type { DriverName, Machine, MachineInfo, MachineSpec } from "./driver.js";
import { type Lease, leaseDriver } from "./drivers/registry.js";
import { ComputerError } from "./errors/index.js";
import { expectKeys, expectWhole, refuse } from "./expect.js";
import { DEFAULTS, LIFE, POOL } from "./limits.js";

export interface PoolOptions {
	/** How many are kept ready, 0 to 100. 0 lets those go that are there. */
	readonly size: number;
}

export interface Spare {
	readonly machine: Machine;
	readonly info: MachineInfo;
	readonly connection: Connection;
}

const pools = new Map<string, Pool>();

/** Checks what was asked for; undefined is no pool. */
export function poolSize(pool: PoolOptions | undefined, spec: MachineSpec): number | undefined {
	if (pool === undefined) return undefined;
	if (typeof pool !== "object" || pool === null) refuse("pool", "an object", pool);
	expectKeys("pool", pool, ["size"]);
	const size = expectWhole("pool.size", pool.size, 0, POOL.maxSize);
	if (spec.persistence !== "ephemeral") {
		throw new ComputerError("not_supported", "A pool was asked for a computer that is to be kept; a pool's are ephemeral", {
			hint: 'Ask for persistence "ephemeral" too, or leave the pool out.',
		});
	}
	// Two machines can not have one port of the host.
	if (spec.ports.length > 0) refuse("ports", "none with a pool", spec.ports);
	return size;
}

/** A spare for that spec, if one is ready, under the name that is asked for. In the background the pool is filled up to its size again. */
export async function claimSpare(driver: DriverName, spec: MachineSpec, size: number, maxComputers?: number): Promise<Spare | undefined> {
	const key = JSON.stringify([driver, { ...spec, name: "" }]);
	const pool = pools.get(key) ?? new Pool(driver, spec, () => pools.delete(key));
	pools.set(key, pool);
	const spare = pool.take(size, maxComputers ?? LIFE.maxComputers);
	if (size === 0) await pool.drain();
	if (spare === undefined) return undefined;
	try {
		const machine = await spare.machine.claim(spec.name);
		spare.connection.ref();
		return { machine, connection: spare.connection, info: { ...spare.info, name: spec.name } };
	} catch {
		// Something has the name, or the spare is gone: whoever asked goes the usual way, and hears of what is wrong there.
		await letGo(spare);
		return undefined;
	}
}

/** All spares of this process go. */
export async function drainPools(): Promise<void> {
	await Promise.all([...pools.values()].map((pool) => pool.drain()));
}

/** How many are ready, of all pools of this process. */
export function readySpares(): number {
	return [...pools.values()].reduce((sum, pool) => sum + pool.ready, 0);
}

class Pool {
	readonly #driver: DriverName;
	readonly #spec: MachineSpec;
	readonly #onDrained: () => void;
	#spares: Spare[] = [];
	readonly #making = new Set<Promise<void>>();
	#size = 0;
	#maxComputers = 0;
	#lease: Promise<Lease> | undefined;
	#unused: NodeJS.Timeout | undefined;
	#rest: NodeJS.Timeout | undefined;
	#drained = false;

	constructor(driver: DriverName, spec: MachineSpec, onDrained: () => void) {
		this.#driver = driver;
		this.#spec = spec;
		this.#onDrained = onDrained;
	}

	get ready(): number {
		return this.#spares.filter(({ connection }) => connection.alive).length;
	}

	take(size: number, maxComputers: number): Spare | undefined {
		this.#size = size;
		this.#maxComputers = maxComputers;
		clearTimeout(this.#unused);
		this.#unused = setTimeout(() => void this.drain(), POOL.unusedMs).unref();
		for (const spare of this.#spares.filter(({ connection }) => !connection.alive)) void letGo(spare);
		this.#spares = this.#spares.filter(({ connection }) => connection.alive);
		const spare = size === 0 ? undefined : this.#spares.shift();
		// Not at once: what is asked for now, and what comes with it, is served first.
		this.#rest ??= setTimeout(() => {
			this.#rest = undefined;
			this.#fill();
		}, POOL.restMs).unref();
		return spare;
	}

	async drain(): Promise<void> {
		this.#drained = true;
		this.#onDrained();
		clearTimeout(this.#unused);
		clearTimeout(this.#rest);
		await Promise.all([...this.#making]);
		await Promise.all(this.#spares.splice(0).map(letGo));
		await (await this.#lease)?.release();
	}

	#fill(): void {
		while (!this.#drained && this.#making.size < POOL.atOnce && this.#spares.length + this.#making.size < this.#size) {
			const one: Promise<void> = this.#makeOne().then(
				(spare) => {
					this.#making.delete(one);
					this.#spares.push(spare);
					this.#fill();
				},
				// No room, or no engine: the next who asks for a computer is told, and then it is tried again.
				() => void this.#making.delete(one),
			);
			this.#making.add(one);
		}
	}

	async #makeOne(): Promise<Spare> {
		this.#lease ??= leaseDriver(this.#driver);
		const { driver } = await this.#lease;
		if (this.#maxComputers > 0 && (await driver.count()) >= this.#maxComputers) throw new Error("there are too many computers");
		const machine = await driver.create({ ...this.#spec, name: `pool-${randomBytes(6).toString("hex")}` });
		let connection: Connection | undefined;
		try {
			connection = await Connection.open(await machine.connect());
			// A pool that waits is no reason for a process to stay.
			connection.unref();
			await connection.json("PUT", `/v1/sessions/${DEFAULTS.session}`, {});
			return { machine, info: await machine.inspect(), connection };
		} catch (error) {
			connection?.close();
			await machine.remove().catch(() => {});
			throw error;
		}
	}
}

/** Where its removal fails it ends by itself. */
async function letGo({ machine, connection }: Spare): Promise<void> {
	connection.close();
	await machine.remove().catch(() => {});
}
