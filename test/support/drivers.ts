import { type Computer, type OpenOptions, openComputer } from "lms-computer";
import { afterAll, inject } from "vitest";
import type { Availability, Capabilities, DriverName } from "../../packages/computer/src/driver.js";
import { DRIVER_NAMES, RUN_PREFIX } from "./run.js";

const BASH_IMAGE = process.env["LMS_TEST_IMAGE_BASH"] ?? "debian:bookworm-slim";
const SH_IMAGE = process.env["LMS_TEST_IMAGE_SH"] ?? "busybox:stable";

export interface Target {
	/** `podman/sh`; with the reason when it is skipped. */
	readonly title: string;
	readonly driver: DriverName;
	readonly shell: "bash" | "sh";
	/** Why this machine cannot run it; undefined: run it. */
	readonly skip: string | undefined;
	/** What the driver can do here. Throws where it is not usable: read it inside of tests. */
	readonly capabilities: Capabilities;
	/** What makes a computer this target's. */
	readonly options: Pick<OpenOptions, "driver" | "image" | "preset" | "env">;
	/**
	 * The full name of the computer that `open` makes: `t-<run>-<process>-<first letters of driver and shell>-<name>`. Two files that run at once may have the same
	 * short one; and the socket of a machine of namespaces has its name in its path, of which a kernel takes 107 bytes.
	 */
	computerName(name: string): string;
	/** A computer of that name, made or found again. It is removed after the test file. */
	open(name: string, options?: OpenOptions): Promise<Computer>;
}

/** The drivers named in DRIVERS, which then have to be usable; without DRIVERS all of them, and what is not usable is skipped. */
export const REQUIRED: readonly DriverName[] | undefined = parseDrivers(process.env["DRIVERS"]);

/** Driver by driver, whatever the shell. */
export const DRIVERS: readonly Target[] = (REQUIRED ?? DRIVER_NAMES).map((driver) => target(driver, "bash"));

/** Every driver with bash and with a plain sh. */
export const MATRIX: readonly Target[] = (REQUIRED ?? DRIVER_NAMES).flatMap((driver) => [target(driver, "bash"), target(driver, "sh")]);

const opened = new Map<string, Computer>();

afterAll(removeOpened);

/** Earlier than after the test file: for a suite that takes away what its computers are found by. */
export async function removeOpened(): Promise<void> {
	const computers = [...opened.values()];
	opened.clear();
	const results = await Promise.allSettled(computers.map((computer) => computer.remove()));
	const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
	if (failures.length > 0) throw new AggregateError(failures, `computers could not be removed: ${failures.join("; ")}`);
}

function target(driver: DriverName, shell: "bash" | "sh"): Target {
	const availability = inject("availability")[driver];
	// A driver that DRIVERS names is never skipped: its tests fail with the reason.
	const skip = availability.usable || REQUIRED !== undefined ? undefined : availability.reason;
	const options = computerOptions(driver, shell);
	const computerName = (name: string) => `${RUN_PREFIX}${process.pid.toString(36)}-${driver[0]}${shell[0]}-${name}`;
	return {
		title: `${driver}/${shell}${skip === undefined ? "" : ` (skipped: ${skip})`}`,
		driver,
		shell,
		skip,
		get capabilities() {
			return expectUsable(driver, availability).capabilities;
		},
		options,
		computerName,
		async open(name, more = {}) {
			expectUsable(driver, availability);
			const full = computerName(name);
			const computer = await openComputer({ ...options, ...more, name: full, env: { ...options.env, ...more.env } });
			opened.set(full, computer);
			return computer;
		},
	};
}

function computerOptions(driver: DriverName, shell: "bash" | "sh"): Target["options"] {
	// Packages come from a network, which the tests of presets alone need.
	const preset = "none";
	if (driver !== "namespace") return { driver, image: shell === "bash" ? BASH_IMAGE : SH_IMAGE, preset };
	// The host's own system has both; the agent takes bash unless it is told otherwise.
	return shell === "bash" ? { driver, preset } : { driver, preset, env: { LMS_SHELL: "/bin/sh" } };
}

function expectUsable(driver: DriverName, availability: Availability): Extract<Availability, { usable: true }> {
	if (availability.usable) return availability;
	throw new Error(`the driver ${driver} was expected to be usable: ${availability.reason} ${availability.hint}`);
}

function parseDrivers(text: string | undefined): readonly DriverName[] | undefined {
	if (text === undefined || text.trim() === "") return undefined;
	return text.split(",").map((word) => {
		const name = DRIVER_NAMES.find((known) => known === word.trim());
		if (name === undefined) throw new Error(`DRIVERS: expected some of ${DRIVER_NAMES.join(",")}, got ${JSON.stringify(word)}`);
		return name;
	});
}
