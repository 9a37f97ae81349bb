import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { ContainerInfo, ContainerInspectInfo } from "dockerode";
import type {
	Abortable,
	Availability,
	CreateOptions,
	Driver,
	DriverName,
	Leftover,
	ListOptions,
	Machine,
	MachineInfo,
	MachineSpec,
} from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { ownerId } from "../ownership.js";
import { readChanges } from "./changed-settings.js";
import { EngineCheckpoints } from "./checkpoints.js";
import { applicableLimits, containerName } from "./container-options.js";
import { type ContainerPlan, createContainer, withoutRefused } from "./create-container.js";
import { canceled, waitFor } from "./deadline.js";
import type { Dialect } from "./dialect.js";
import { Engine } from "./engine.js";
import type { Host } from "./host.js";
import { ensureImage } from "./image.js";
import { inspectContainer } from "./inspect-container.js";
import { LABELS, machineName } from "./labels.js";
import { findLeftovers, removeDead } from "./leftovers.js";
import { isWithoutFiles, listContainers } from "./list-containers.js";
import { isUsualEngine, locateEngine } from "./locate.js";
import { EngineMachine } from "./machine.js";
import { readMachineInfo } from "./machine-info.js";
import { type PreparedImage, prepareImage } from "./prepared-image.js";
import { withPreset } from "./preset-image.js";
import type { Rebuilder } from "./rebuild.js";
import { removeContainer } from "./remove-container.js";
import { checkFolders } from "./shared-folders.js";
import { chooseContainer, chooseEach } from "./stand-ins.js";
import { refuseWhatIsMissing } from "./ties.js";

/** `SizeRw` is there where it was asked for. */
type Listed = ContainerInfo & { readonly SizeRw?: number };

/** An engine gives a name away some time before it lists the container, and for that of a removed one after. */
const NAME_LOOKS = 50;
const NAME_LOOK_MS = 40;

/** Machines as containers of an engine that speaks Docker's HTTP API. */
export class EngineDriver implements Driver {
	readonly name: DriverName;
	readonly #dialect: Dialect;
	readonly #host: Host;
	readonly #address: string | undefined;
	readonly #streams = new Set<Duplex>();
	#located: Promise<Engine> | undefined;

	/** @param address the one endpoint to use; else the known places are searched */
	constructor(dialect: Dialect, host: Host, address?: string) {
		this.name = dialect.name;
		this.#dialect = dialect;
		this.#host = host;
		this.#address = address;
	}

	async probe({ signal }: Abortable = {}): Promise<Availability> {
		try {
			const located = await locateEngine(this.#dialect, this.#host, this.#address, signal);
			if (!(located instanceof Engine)) return located;
			this.#located = Promise.resolve(located);
			return await located.availability({ signal });
		} catch (error) {
			const { message, hint = "" } = error as Error & { hint?: string };
			return { usable: false, reason: message, hint, tried: [] };
		}
	}

	async create(spec: MachineSpec, options: CreateOptions = {}): Promise<Machine> {
		const engine = await this.#engine(options);
		const facts = await engine.facts(options);
		refuseWhatIsMissing(spec, facts, this.name);
		// Beside all of it: nothing that is made needs what is cleared away.
		const cleared = removeDead(engine, spec, options);
		const [image] = await Promise.all([this.#image(engine, spec, options), options.admitted]);
		let limits = applicableLimits(spec, facts);
		for (;;) {
			try {
				const machine = await this.#boot(engine, { spec, image, limits }, options);
				await cleared;
				return machine;
			} catch (error) {
				// Its runtime has its own word at the start.
				limits = withoutRefused(limits, error);
			}
		}
	}

	async attach(name: string, options: Abortable = {}): Promise<Machine | undefined> {
		const engine = await this.#engine(options);
		const machine = await this.#attachNamed(engine, name, options);
		if (machine !== undefined) return machine;
		const [labelled, named] = await Promise.all([
			this.#containers(engine, { label: [`${LABELS.own}=1`, `${LABELS.name}=${name}`] }, options),
			// A spare that was handed out has another name on its label.
			this.#containers(engine, { label: [`${LABELS.own}=1`], name: [`^/?${containerName(name).replaceAll(".", "\\.")}$`] }, options),
		]);
		const found = [...labelled, ...named].filter(({ Names, Labels }) => machineName(Names, Labels) === name);
		const container = chooseContainer(found, name);
		return container && this.#machine(engine, container.Id, name);
	}

	/**
	 * The container that has the machine's own name is the machine, unless it is going: see chooseContainer. One answer of the engine is all that is known of it
	 * then. Undefined for whatever else there is to say, which the lists bring to light.
	 */
	async #attachNamed(engine: Engine, name: string, options: Abortable): Promise<Machine | undefined> {
		const container = await inspectContainer(engine, containerName(name), `look at ${containerName(name)}`, options).catch(
			(error: unknown) => {
				if (isComputerError(error, "timeout") || isComputerError(error, "canceled")) throw error;
			},
		);
		if (container === undefined || !isOurs(container) || machineName([container.Name], container.Config.Labels) !== name) return undefined;
		const machine = this.#machine(engine, container.Id, name);
		return (await machine.see(container)).info.halfRemoved ? undefined : machine;
	}

	async list(options: ListOptions = {}): Promise<readonly MachineInfo[]> {
		const engine = await this.#engine(options);
		const whose = options.own ? [`${LABELS.owner}=${await ownerId()}`] : [];
		const found = await this.#containers(engine, { label: [`${LABELS.own}=1`, ...whose] }, options, options.sizes);
		const infos = await Promise.all(chooseEach(found).map((container) => this.#inspect(engine, container, options)));
		return infos.filter((info) => info !== undefined);
	}

	async count(options: Abortable = {}): Promise<number> {
		const engine = await this.#engine(options);
		return chooseEach(await this.#containers(engine, { label: [`${LABELS.own}=1`, `${LABELS.owner}=${await ownerId()}`] }, options)).length;
	}

	async leftovers(options: Abortable = {}): Promise<readonly Leftover[]> {
		return await findLeftovers(await this.#engine(options), options);
	}

	async isUsual(options: Abortable = {}): Promise<boolean> {
		return await isUsualEngine(await this.#engine(options), this.#host, options.signal);
	}

	async close(): Promise<void> {
		this.#located = undefined;
		for (const stream of this.#streams) stream.destroy();
		this.#streams.clear();
	}

	#machine(engine: Engine, id: string, name: string): EngineMachine {
		const checkpoints = new EngineCheckpoints(engine, id, name, (otherId, otherName) => this.#machine(engine, otherId, otherName));
		const by: Rebuilder = {
			engine,
			machineOf: (otherId, otherName) => this.#machine(engine, otherId, otherName),
			image: (spec, options) => this.#image(engine, spec, options),
		};
		return new EngineMachine(by, id, name, this.#streams, checkpoints);
	}

	async #image(engine: Engine, spec: MachineSpec, options: CreateOptions): Promise<PreparedImage> {
		const base = await ensureImage(engine, spec.image, options);
		// Before what others may wait for: they are not to be refused with this one.
		await options.admitted;
		const prepared = await prepareImage(engine, base, options);
		return await withPreset(engine, spec, prepared, options);
	}

	async #boot(engine: Engine, plan: ContainerPlan, options: CreateOptions): Promise<Machine> {
		const { signal, onProgress } = options;
		const { name } = plan.spec;
		const action = `create the machine ${name}`;
		if (signal?.aborted) throw canceled(action, signal);
		onProgress?.({ phase: "create", message: `creating ${name}` });
		const id = await createContainer(engine, plan, options).catch(async (error: unknown) => {
			throw isComputerError(error, "already_exists") ? await this.#explainTaken(engine, name, error) : error;
		});
		try {
			if (signal?.aborted) throw canceled(action, signal);
			onProgress?.({ phase: "start", message: `starting ${name}` });
			const machine = this.#machine(engine, id, name);
			await checkFolders(plan.spec.folders);
			await machine.startNew(plan.spec, options);
			return machine;
		} catch (error) {
			await removeContainer(engine, id, name).catch(() => {});
			throw error;
		}
	}

	/** Whose is the container that has our name? One that is not ours is never touched. */
	async #explainTaken(engine: Engine, name: string, cause: ComputerError): Promise<ComputerError> {
		const container = containerName(name);
		const context = { name, container, driver: this.name };
		let seen: unknown;
		for (let look = 0; look < NAME_LOOKS; look++) {
			const ours = await this.attach(name).catch((error: unknown) => {
				seen = error;
			});
			if (ours) return new ComputerError("already_exists", `The machine ${name} exists already`, { context: { ...context, id: ours.id } });
			if (await isForeign(engine, container)) {
				return new ComputerError(
					"busy",
					`The container name ${container} is taken in ${engine.dialect.product} by one that lms-computer did not make`,
					{ hint: "Choose another name for the computer, or rename that container.", context },
				);
			}
			await pause(NAME_LOOK_MS);
		}
		// It goes just now, or its engine does not show it.
		return new ComputerError("busy", `The container name ${container} is taken: ${cause.message}`, {
			hint: "Try again in a moment; if that does not help, choose another name for the computer, or remove that container.",
			context,
			cause: seen ?? cause,
		});
	}

	async #inspect(engine: Engine, { Id: id, SizeRw }: Listed, options: ListOptions): Promise<MachineInfo | undefined> {
		// Docker leaves a 0 out.
		const sizeBytes = options.sizes ? (SizeRw ?? 0) : undefined;
		try {
			const [container, owner, changes] = await Promise.all([
				inspectContainer(engine, id, "list the machines", options),
				ownerId(),
				readChanges(this.#dialect, id),
			]);
			return readMachineInfo(container, this.name, { owner, changes, sizeBytes });
		} catch (error) {
			// It went between the list and the look at it.
			if (isComputerError(error, "machine_gone") || isWithoutFiles(error)) return undefined;
			throw error;
		}
	}

	async #containers(engine: Engine, filters: Record<string, string[]>, options: Abortable, sizes = false): Promise<readonly Listed[]> {
		return await listContainers(engine, "list the machines", { all: true, filters, ...(sizes ? { size: true } : {}) }, options);
	}

	/** The engine found first stays the engine, until it is no longer there. */
	async #engine({ signal }: Abortable): Promise<Engine> {
		if (this.#located === undefined) {
			// All who ask meanwhile share it, so none of them may abort it; each may stop waiting.
			const located = this.#locate();
			this.#located = located;
			located.catch(() => {
				if (this.#located === located) this.#located = undefined;
			});
		}
		return await waitFor(this.#located, `look for ${this.#dialect.product}`, signal);
	}

	async #locate(): Promise<Engine> {
		const located = await locateEngine(this.#dialect, this.#host, this.#address);
		if (located instanceof Engine) return located;
		throw new ComputerError("driver_unavailable", located.reason, {
			hint: located.hint,
			context: { driver: this.name, tried: located.tried },
		});
	}
}

/** Whether a container of that name is there, and is none of ours. */
async function isForeign(engine: Engine, container: string): Promise<boolean> {
	try {
		return !isOurs(await inspectContainer(engine, container, `look at ${container}`));
	} catch {
		return false;
	}
}

function isOurs({ Config }: ContainerInspectInfo): boolean {
	return Config.Labels?.[LABELS.own] === "1";
}
