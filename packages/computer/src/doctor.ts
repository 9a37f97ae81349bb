import type { Abortable, Availability, DriverName, MachineInfo } from "./driver.js";
import { leaseDriver } from "./drivers/registry.js";
import { ComputerError } from "./errors/index.js";
import { DRIVER_NAMES } from "./options/settings.js";
import { driverChoice } from "./options.js";
import { recall, rememberedNames } from "./whereabouts.js";

export interface DriverReport {
	readonly name: DriverName;
	readonly availability: Availability;
}

/** What every driver can do here, and why not: in the order of `auto`. */
export function diagnose(options: Abortable = {}): Promise<readonly DriverReport[]> {
	return Promise.all(
		DRIVER_NAMES.map(async (name) => {
			const lease = await leaseDriver(name);
			try {
				return { name, availability: await lease.driver.probe(options) };
			} finally {
				await lease.release();
			}
		}),
	);
}

export interface ListOptions extends Abortable {
	/** Default: every usable one. */
	readonly driver?: DriverName | undefined;
	/** Those of other users and hosts on the same engines too. Default false. */
	readonly all?: boolean | undefined;
	/** `sizeBytes` of each, which takes a while. Default false. */
	readonly sizes?: boolean | undefined;
	/** Is told of a driver that is not usable now, and had the last time computers of these names. */
	readonly onUnasked?: ((driver: DriverReport, names: readonly string[]) => void) | undefined;
}

/** Every computer of one's own, of every usable driver. */
export async function listComputers(options: ListOptions = {}): Promise<readonly MachineInfo[]> {
	const choice = driverChoice(options.driver);
	const names = choice === "auto" ? DRIVER_NAMES : [choice];
	const lists = await Promise.all(
		names.map(async (name) => {
			const lease = await leaseDriver(name);
			try {
				const availability = await lease.driver.probe(options);
				if (availability.usable) return await lease.driver.list({ ...options, own: options.all !== true });
				if (choice !== "auto") throw unavailable([{ name, availability }]);
				const missed = await rememberedOn(name);
				if (missed.length > 0) options.onUnasked?.({ name, availability }, missed);
				return [];
			} finally {
				await lease.release();
			}
		}),
	);
	return lists.flat();
}

async function rememberedOn(driver: DriverName): Promise<readonly string[]> {
	const names = await rememberedNames();
	const drivers = await Promise.all(names.map(recall));
	return names.filter((_, index) => drivers[index] === driver);
}

/** No usable driver: each one's reason, and the first one's way out. */
export function unavailable(reports: readonly DriverReport[]): ComputerError {
	const reasons = reports.flatMap(({ name, availability }) => (availability.usable ? [] : [`${name}: ${availability.reason}`]));
	const hints = reports.flatMap(({ name, availability }) =>
		availability.usable || availability.hint === "" ? [] : [reports.length === 1 ? availability.hint : `${name}: ${availability.hint}`],
	);
	return new ComputerError("driver_unavailable", `expected a usable driver, got none (${reasons.join("; ")})`, {
		hint: hints.join(" "),
		context: { drivers: reports },
	});
}
