import { canceled, expectSignal } from "./agent/abort.js";
import { Computer } from "./computer.js";
import { type DriverReport, unavailable } from "./doctor.js";
import type { Abortable, Availability, CreateOptions, DriverName, Machine, MachineInfo, MachineSpec } from "./driver.js";
import { type Lease, leaseDriver } from "./drivers/registry.js";
import { ComputerError, isComputerError } from "./errors/index.js";
import { DEFAULTS } from "./limits.js";
import { resolveFolders } from "./options/folder-safety.js";
import { expectReachable } from "./options/ports.js";
import { DRIVER_NAMES } from "./options/settings.js";
import { computerName, driverChoice, machineSpec, type OpenOptions } from "./options.js";
import { claimSpare, poolSize } from "./pool.js";
import { Slot } from "./slot.js";
import { inTurn } from "./turn.js";
import { recall, remember } from "./whereabouts.js";

/** The computer of that name: found, started or made. Concurrent callers get one machine. */
export async function openComputer(options: OpenOptions = {}): Promise<Computer> {
	const asked = machineSpec(options);
	expectSignal(options.signal);
	const spec = { ...asked, folders: await resolveFolders(asked.folders) };
	const choice = driverChoice(options.driver);
	const size = poolSize(options.pool, spec);
	const steps: CreateOptions = { signal: options.signal, onProgress: options.onProgress };
	return inTurn(spec.name, options.signal, async () => {
		const place = await choosePlace(spec.name, choice, options);
		const pooled = place.machine === undefined && size !== undefined;
		const spare = pooled ? await claimSpare(place.lease.driver.name, spec, size, options.maxComputers) : undefined;
		const slot = new Slot({
			driver: place.lease.driver,
			name: spec.name,
			spec,
			machine: spare?.machine ?? place.machine,
			created: spare !== undefined,
			running: place.running !== undefined,
			missing: spare === undefined && place.machine === undefined,
			maxComputers: options.maxComputers,
		});
		const computer = new Computer(slot, place.lease, options, spare?.connection);
		try {
			if (spare !== undefined) slot.tell("created", `created with ${place.lease.driver.name}, from the pool`);
			else if (place.running === undefined) {
				if (place.machine === undefined) expectReachable(spec, await place.lease.probe({ signal: options.signal }));
				await slot.ready(steps);
			}
			if (slot.created) for (const notice of place.passedOver) slot.note(notice);
			options.onProgress?.({ phase: "connect", message: `connecting to ${spec.name}` });
			const settings = place.running && slot.settings({ signal: options.signal }, place.machine?.seen);
			settings?.catch(() => {}); // told by whoever waits for it
			const [info] = await Promise.all([
				spare?.info ??
					place.running ??
					(slot.created ? slot.machine.seen?.info : undefined) ??
					slot.machine.inspect({ signal: options.signal }),
				computer.start({ signal: options.signal }),
				place.running ?? (spec.persistence === "ephemeral" ? undefined : remember(spec.name, slot.driver.name)),
			]);
			await computer.askNetwork(options, slot.created);
			slot.noteWarnings(info.warnings);
			noteHost(slot, info, options);
			if (slot.created) await computer.planted.watch(spec.folders);
			else await adopt(computer, slot, info, options, settings);
			return computer;
		} catch (error) {
			if (slot.created) await slot.machine.remove().catch(() => {});
			await computer.close();
			throw error;
		}
	});
}

export interface FindOptions extends Abortable {
	readonly name: string;
	/** Default "auto": whichever has it. */
	readonly driver?: "auto" | DriverName | undefined;
}

/** The computer of that name, if there is one. Makes and starts nothing; its first call connects, and starts it if it must. */
export async function findComputer(options: FindOptions): Promise<Computer | undefined> {
	const name = computerName(options.name ?? DEFAULTS.name);
	const { lease, machine } = await choosePlace(name, driverChoice(options.driver), options);
	if (machine !== undefined) return new Computer(new Slot({ driver: lease.driver, name, machine }), lease);
	await lease.release();
	return undefined;
}

interface Place {
	/** The driver that has the machine, or the first one that can make it. */
	readonly lease: Lease;
	readonly machine: Machine | undefined;
	/** It was found running where it was the last time. */
	readonly running?: MachineInfo | undefined;
	/** Drivers that would have come first, and why not. */
	readonly passedOver: readonly string[];
}

/** Looks on every usable driver first: a computer made on one is found again though another is there now. */
async function choosePlace(name: string, choice: "auto" | DriverName, { signal }: Abortable): Promise<Place> {
	const last = await recall(name);
	const remembered = choice === "auto" || choice === last ? last : undefined;
	const running = remembered && (await findRunning(remembered, name, signal));
	if (running !== undefined) return running;
	const known = remembered && (await look(remembered, name, signal));
	if (known?.machine !== undefined) return { ...known, passedOver: [] };
	const names = choice === "auto" ? DRIVER_NAMES : [choice];
	const looks = await Promise.allSettled(names.map((driver) => (known?.name === driver ? known : look(driver, name, signal))));
	const seen = looks.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
	const failed = looks.find((result) => result.status === "rejected");
	const found = seen.find((one) => one.machine !== undefined);
	const isOutOfReach = choice === "auto" && found === undefined && known?.availability.usable === false;
	// A driver that could not answer may have it: another one of the same name elsewhere would be worse than an error, and hide it from then on.
	const chosen = failed || isOutOfReach ? undefined : (found ?? seen.find((one) => one.availability.usable));
	await Promise.all(seen.map((one) => one !== chosen && one.lease.release()));
	if (failed) throw failed.reason;
	if (isOutOfReach) throw outOfReach(name, known, seen);
	if (chosen === undefined) throw unavailable(seen);
	const before = seen.slice(0, seen.indexOf(chosen));
	return { ...chosen, passedOver: before.flatMap(({ name, availability }) => passedOver(name, availability, chosen.name)) };
}

/**
 * A machine that runs where it was the last time shows that its driver is usable: all that this can do is not asked for. Undefined for whatever else there is
 * to say of it, which a whole look brings to light.
 */
async function findRunning(name: DriverName, machineName: string, signal: AbortSignal | undefined): Promise<Place | undefined> {
	const lease = await leaseDriver(name);
	try {
		const machine = await lease.driver.attach(machineName, { signal });
		const running = machine?.seen?.info ?? (await machine?.inspect({ signal }));
		if (running?.state === "running") return { lease, machine, running, passedOver: [] };
	} catch {}
	await lease.release();
	return undefined;
}

interface Look extends DriverReport {
	readonly lease: Lease;
	readonly machine: Machine | undefined;
}

/** One driver: usable? has it? */
async function look(driver: DriverName, name: string, signal: AbortSignal | undefined): Promise<Look> {
	const lease = await leaseDriver(driver);
	try {
		const availability = await lease.probe({ signal });
		// A probe never throws: an abort looks like an engine that is not there.
		if (signal?.aborted) throw canceled(signal);
		return { name: driver, lease, availability, machine: availability.usable ? await lease.driver.attach(name, { signal }) : undefined };
	} catch (error) {
		await lease.release();
		throw error;
	}
}

/** The driver that had it the last time can not be asked now. */
function outOfReach(machineName: string, { name, availability }: DriverReport, reports: readonly DriverReport[]): ComputerError {
	const { reason = "", hint = "" } = availability.usable ? {} : availability;
	const other = reports.find((report) => report.availability.usable)?.name;
	const elsewhere = other && `Or go on with another computer of that name, on ${other}: driver "${other}", \`--driver ${other}\`.`;
	return new ComputerError(
		"driver_unavailable",
		`the computer "${machineName}" was on ${name} the last time, which is not usable now: ${reason}`,
		{
			hint: [hint, elsewhere].filter(Boolean).join(" "),
			context: { name: machineName, driver: name },
		},
	);
}

function passedOver(name: DriverName, availability: Availability, chosen: DriverName): string[] {
	return availability.usable ? [] : [`made with ${chosen}, because ${name} is not usable: ${availability.reason}`];
}

/** What a driver without images calls the one that its machines have. */
const HOST = "host";

function noteHost(slot: Slot, { image }: MachineInfo, { image: wanted }: OpenOptions): void {
	// The default is no wish.
	if (image !== HOST || wanted === undefined || wanted === image || wanted === DEFAULTS.image) return;
	slot.note(`this computer is made from the host's own system, not from ${wanted}`);
}

/** What the caller asks for against what is there: applied where that is possible, else told. */
async function adopt(
	computer: Computer,
	slot: Slot,
	{ image }: MachineInfo,
	options: OpenOptions,
	settings: Promise<MachineSpec> | undefined,
): Promise<void> {
	const { image: _, ...rest } = options;
	await computer.adopt(image === HOST ? rest : options, settings).catch((error: unknown) => {
		// One of another version says nothing of itself: what was asked for is then no change.
		if (!isComputerError(error, "not_supported")) throw error;
		slot.note(error.message);
	});
}
