import type { TestProject } from "vitest/node";
import type { Availability, DriverName } from "../../packages/computer/src/driver.js";
import { leaseDriver } from "../../packages/computer/src/drivers/registry.js";
import { leftovers } from "./leftovers.js";
import { DRIVER_NAMES, RUN_PREFIX } from "./run.js";

const HANG_MS = 120_000;

declare module "vitest" {
	interface ProvidedContext {
		availability: Record<DriverName, Availability>;
	}
}

/** Once for a run: asks every driver whether it is usable here, and in the end looks for what the tests left. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	const entries = await Promise.all(DRIVER_NAMES.map(async (name) => [name, await probe(name)] as const));
	const availability = Object.fromEntries(entries) as Record<DriverName, Availability>;
	for (const [name, found] of entries) {
		console.log(`${name}: ${found.usable ? `${found.version}, ${found.endpoint}` : `not usable, ${found.reason}`}`);
	}
	project.provide("availability", availability);
	return async () => {
		endWhatHangs();
		const usable = DRIVER_NAMES.filter((name) => availability[name].usable);
		const left = await leftovers(usable, RUN_PREFIX);
		if (left.length === 0) return;
		// Vitest reports what a teardown throws and still ends with 0.
		process.exitCode = 1;
		console.error(`FAILED: the tests left behind:\n  ${left.join("\n  ")}`);
	};
}

/** Seen once: all was over, and the process did not end. A run ends all the same, and tells what held it. */
function endWhatHangs(): void {
	const end = () => {
		console.error(`the run was over and did not end for ${HANG_MS / 1000} s; what held it: ${process.getActiveResourcesInfo().join(", ")}`);
		process.exit(process.exitCode ?? 1);
	};
	setTimeout(end, HANG_MS).unref();
}

async function probe(name: DriverName): Promise<Availability> {
	try {
		const lease = await leaseDriver(name);
		try {
			return await lease.driver.probe();
		} finally {
			await lease.release();
		}
	} catch (error) {
		// A probe never throws; if one does, the other drivers' tests still run, and DRIVERS makes this one's fail.
		return { usable: false, reason: `its probe threw: ${error}`, hint: "This is a defect.", tried: [] };
	}
}
