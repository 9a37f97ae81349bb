/** The drivers, in the order of `auto`. Each is loaded when it is first needed, and closed when the last holder lets go. */
import type { Abortable, Availability, Driver, DriverName } from "../driver.js";

type Load = () => Promise<Driver>;

const LOADERS: Readonly<Record<DriverName, Load>> = {
	docker: async () => (await import("./docker/index.js")).createDockerDriver(),
	podman: async () => (await import("./podman/index.js")).createPodmanDriver(),
	namespace: async () => (await import("./namespace/index.js")).createNamespaceDriver(),
};

export interface Lease {
	readonly driver: Driver;
	/** The driver's own probe, but what was usable once is not asked again as long as somebody holds it: calls tell when it has gone. */
	probe(options: Abortable): Promise<Availability>;
	/** Idempotent. */
	release(): Promise<void>;
}

interface Held {
	readonly driver: Promise<Driver>;
	holders: number;
	usable?: Availability;
	probing?: Promise<Availability> | undefined;
}

const held = new Map<DriverName, Held>();

/** One driver of each kind in a process, however many hold it. */
export async function leaseDriver(name: DriverName): Promise<Lease> {
	let entry = held.get(name);
	if (entry === undefined) {
		entry = { driver: LOADERS[name](), holders: 0 };
		held.set(name, entry);
	}
	entry.holders++;
	let released = false;
	const release = async () => {
		if (released) return;
		released = true;
		if (--entry.holders > 0) return;
		if (held.get(name) === entry) held.delete(name);
		await (await entry.driver).close();
	};
	try {
		const driver = await entry.driver;
		const probe = async (options: Abortable) => {
			if (entry.usable !== undefined) return entry.usable;
			// Many at once ask once: a probe does in small what a machine's start does.
			entry.probing ??= driver.probe().finally(() => {
				entry.probing = undefined;
			});
			const availability = await unlessAborted(entry.probing, options.signal);
			if (availability.usable) entry.usable = availability;
			return availability;
		};
		return { driver, probe, release };
	} catch (error) {
		held.delete(name);
		throw error;
	}
}

/** All share a probe, so none of them may abort it; each may stop waiting. */
async function unlessAborted(probing: Promise<Availability>, signal: AbortSignal | undefined): Promise<Availability> {
	if (signal === undefined) return await probing;
	const gaveUp: Availability = { usable: false, reason: "it was canceled", hint: "", tried: [] };
	let stop = () => {};
	const aborted = new Promise<Availability>((resolve) => {
		stop = () => resolve(gaveUp);
		if (signal.aborted) stop();
		signal.addEventListener("abort", stop, { once: true });
	});
	return await Promise.race([probing, aborted]).finally(() => signal.removeEventListener("abort", stop));
}
