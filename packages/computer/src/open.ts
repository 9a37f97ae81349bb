import { canceled } from "./agent/abort.js";
import { Computer } from "./computer.js";
import { type DriverReport, unavailable } from "./doctor.js";
import type { Abortable, CreateOptions, DriverName, Machine } from "./driver.js";
import { type Lease, leaseDriver } from "./drivers/registry.js";
import { DEFAULTS } from "./limits.js";
import { computerName, DRIVER_NAMES, driverChoice, machineSpec, type OpenOptions } from "./options.js";
import { Slot } from "./slot.js";
import { inTurn } from "./turn.js";

/** The computer of that name: found, started or made. Concurrent callers get one machine. */
export async function openComputer(options: OpenOptions = {}): Promise<Computer> {
	const spec = machineSpec(options);
	const choice = driverChoice(options.driver);
	const steps: CreateOptions = { signal: options.signal, onProgress: options.onProgress };
	return inTurn(spec.name, options.signal, async () => {
		const place = await choosePlace(spec.name, choice, options);
		const slot = new Slot({ driver: place.lease.driver, name: spec.name, spec, machine: place.machine });
		const computer = new Computer(slot, place.lease);
		try {
			await slot.ready(steps);
			if (slot.created) for (const notice of place.passedOver) slot.note(notice);
			options.onProgress?.({ phase: "connect", message: `connecting to ${spec.name}` });
			const [info] = await Promise.all([slot.machine.inspect({ signal: options.signal }), computer.start({ signal: options.signal })]);
			slot.noteWarnings(info.warnings);
			if (options.image !== undefined && info.image !== options.image) slot.note(otherImage(info.image, options.image));
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
	/** Drivers that would have come first, and why not. */
	readonly passedOver: readonly string[];
}

/** Looks on every usable driver first: a computer made on one is found again though another is there now. */
async function choosePlace(name: string, choice: "auto" | DriverName, { signal }: Abortable): Promise<Place> {
	const unusable: DriverReport[] = [];
	let first: { readonly lease: Lease; readonly passedOver: readonly string[] } | undefined;
	for (const driverName of choice === "auto" ? DRIVER_NAMES : [choice]) {
		const lease = await leaseDriver(driverName);
		let kept = false;
		try {
			const availability = await lease.driver.probe({ signal });
			// A probe never throws: an abort looks like an engine that is not there.
			if (signal?.aborted) throw canceled(signal);
			if (!availability.usable) {
				unusable.push({ name: driverName, availability });
				continue;
			}
			const machine = await lease.driver.attach(name, { signal });
			if (machine !== undefined) {
				kept = true;
				await first?.lease.release();
				return { lease, machine, passedOver: [] };
			}
			if (first !== undefined) continue;
			kept = true;
			first = { lease, passedOver: unusable.map((report) => passedOver(report, driverName)) };
		} catch (error) {
			await first?.lease.release();
			throw error;
		} finally {
			if (!kept) await lease.release();
		}
	}
	if (first === undefined) throw unavailable(unusable);
	return { ...first, machine: undefined };
}

function passedOver({ name, availability }: DriverReport, chosen: DriverName): string {
	return `made with ${chosen}, because ${name} is not usable: ${availability.usable ? "" : availability.reason}`;
}

function otherImage(image: string, wanted: string): string {
	if (image === "host") return `this computer is made from the host's own system, not from ${wanted}`;
	return `this computer has the image ${image}, not ${wanted}: an image is chosen when a computer is made`;
}
