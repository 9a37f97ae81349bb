/** What of ours nobody needs any more, of every usable driver: found, and removed when that is wanted. */

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { unavailable } from "./doctor.js";
import type { Abortable, Driver, DriverName, Leftover } from "./driver.js";
import { type Lease, leaseDriver } from "./drivers/registry.js";
import { stateDirectory } from "./drivers/state-directory.js";
import { isComputerError } from "./errors/index.js";
import { LIFE, NAME_PATTERN } from "./limits.js";
import { DRIVER_NAMES } from "./options/settings.js";
import { driverChoice } from "./options.js";
import { forget, recall, rememberedNames } from "./whereabouts.js";

export interface PruneOptions extends Abortable {
	/** Default: every usable one. */
	readonly driver?: "auto" | DriverName | undefined;
}

export interface Pruned {
	readonly found: readonly Leftover[];
	readonly removed: readonly Leftover[];
	/** Those that could not be removed, and why. */
	readonly failed: readonly { readonly leftover: Leftover; readonly reason: string }[];
}

/** @param decide is shown what there is, and says whether it is to go */
export async function prune(options: PruneOptions, decide: (found: readonly Leftover[]) => boolean | Promise<boolean>): Promise<Pruned> {
	const leases = await usableDrivers(options);
	try {
		const lists = await Promise.all(leases.map(({ driver }) => findLeftovers(driver, options)));
		const found = lists.flat();
		if (found.length === 0 || !(await decide(found))) return { found, removed: [], failed: [] };
		const removed: Leftover[] = [];
		const failed: { leftover: Leftover; reason: string }[] = [];
		// One after the other: engines lock their image store, and what is built upon another has to go first.
		for (const leftover of found) {
			try {
				await leftover.remove(options);
				removed.push(leftover);
			} catch (error) {
				if (isComputerError(error, "canceled")) throw error;
				failed.push({ leftover, reason: (error as Error).message });
			}
		}
		return { found, removed, failed };
	} finally {
		await Promise.all(leases.map((lease) => lease.release()));
	}
}

async function usableDrivers(options: PruneOptions): Promise<readonly Lease[]> {
	const choice = driverChoice(options.driver);
	const leases = await Promise.all((choice === "auto" ? DRIVER_NAMES : [choice]).map(leaseDriver));
	const looks = await Promise.all(leases.map(async (lease) => ({ lease, availability: await lease.probe(options) })));
	const usable = looks.filter(({ availability }) => availability.usable).map(({ lease }) => lease);
	await Promise.all(leases.filter((lease) => !usable.includes(lease)).map((lease) => lease.release()));
	if (usable.length > 0) return usable;
	throw unavailable(looks.map(({ lease, availability }) => ({ name: lease.driver.name, availability })));
}

async function findLeftovers(driver: Driver, options: Abortable): Promise<readonly Leftover[]> {
	const [leftovers, computers, usual] = await Promise.all([driver.leftovers(options), driver.list(options), driver.isUsual(options)]);
	const there = new Set(computers.map(({ name }) => name));
	// Of another engine the computers are not all that records may be of.
	const isGone = (name: string) => usual && !there.has(name);
	return [...leftovers, ...(await findHints(driver, isGone)), ...(await findRecords(driver, isGone))];
}

const GONE = "the computer is gone";

async function findHints({ name: driver }: Driver, isGone: (name: string) => boolean): Promise<readonly Leftover[]> {
	const found: Leftover[] = [];
	for (const name of await rememberedNames()) {
		if (!isGone(name) || (await recall(name)) !== driver) continue;
		found.push({ driver, kind: "record", what: `last-driver/${name}`, why: GONE, remove: () => forget(name, driver) });
	}
	return found;
}

async function findRecords({ name: driver }: Driver, isGone: (name: string) => boolean): Promise<readonly Leftover[]> {
	const found: Leftover[] = [];
	for (const kind of ["egress", "journal"]) {
		const directory = join(stateDirectory(), kind, driver);
		for (const file of await readdir(directory).catch(() => [])) {
			const why = whyStale(file, isGone);
			const path = join(directory, file);
			if (why === undefined || !(await isOld(path))) continue;
			found.push({ driver, kind: "record", what: `${kind}/${driver}/${file}`, why, remove: () => rm(path, { force: true }) });
		}
	}
	return found;
}

/** A name may look like the end of a record's: whole ones come first. */
function whyStale(file: string, isGone: (name: string) => boolean): string | undefined {
	const [, name = ""] = /^(.+)\.(json|pem|jsonl|jsonl\.1)$/.exec(file) ?? [];
	if (name !== "") return NAME_PATTERN.test(name) && isGone(name) ? GONE : undefined;
	return /^.+\.(json|pem)\.\d+\.[0-9a-f]{8}$/.test(file) ? "its writing was cut short" : undefined;
}

/** It may be of a computer that is being made. */
async function isOld(path: string): Promise<boolean> {
	const found = await stat(path).catch(() => undefined);
	return found !== undefined && found.mtimeMs < Date.now() - LIFE.abandonedMs;
}
