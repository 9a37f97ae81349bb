/** How commands come to a computer: made or started with progress, or only found. */
import { tellUse } from "../compiled.js";
import { configuration, type Settings } from "../config.js";
import type { ListOptions } from "../doctor.js";
import { ComputerError } from "../errors/index.js";
import { type Computer, findComputer, listComputers, type MachineInfo, openComputer } from "../index.js";
import { DEFAULTS } from "../limits.js";
import { SETTING_NAMES } from "../options/settings.js";
import type { Context } from "./commands.js";
import { notice } from "./output.js";
import { ProgressLine } from "./progress-line.js";

/** What is asked for, all told: the flags, the environment, the configuration file. */
export async function settingsFor({ flags }: Context, name = flags.name ?? DEFAULTS.name): Promise<Settings> {
	const { settings } = await configuration(name);
	const given = SETTING_NAMES.flatMap((key) => (flags[key] === undefined ? [] : [[key, flags[key]]]));
	return { ...settings, ...Object.fromEntries(given) };
}

/** The computer the flags name, made or started if it must. What the user should know of it is said, or left to the caller with `json`. */
export async function open(context: Context, name = context.flags.name, settings?: Settings): Promise<Computer> {
	const { flags, interruption } = context;
	const options = settings ?? (await settingsFor(context, name));
	const progress = flags.quiet || flags.json ? undefined : new ProgressLine(process.stderr);
	let computer: Computer;
	try {
		computer = await openComputer({ ...options, name, onProgress: progress?.report, signal: interruption.signal });
	} finally {
		progress?.end();
	}
	tellUse();
	// What is true of the machine all along is said when it is made, and by `status`.
	if (!flags.quiet && !flags.json) for (const text of computer.news.happened) await notice(text);
	return computer;
}

/** One that is there. `not_found` when it is not. */
export async function find({ flags, interruption }: Context, name = flags.name ?? DEFAULTS.name): Promise<Computer> {
	const driver = flags.driver ?? (await configuration(name)).settings.driver;
	const computer = await findComputer({ name, driver, signal: interruption.signal });
	if (computer !== undefined) {
		tellUse();
		return computer;
	}
	const where = driver === undefined || driver === "auto" ? "" : ` on ${driver}`;
	throw new ComputerError("not_found", `there is no computer "${name}"${where}`, { hint: "`lms-computer ls` shows those that are there." });
}

interface Listed {
	readonly computers: readonly MachineInfo[];
	/** There may be more, on a driver that can not be asked now: this has been said then. */
	readonly isWhole: boolean;
}

/** Every computer there is, of the driver that the flags name. */
export async function list({ flags, interruption }: Context, options: Pick<ListOptions, "all" | "sizes"> = {}): Promise<Listed> {
	const unasked: string[] = [];
	const computers = await listComputers({
		...options,
		driver: flags.driver === "auto" ? undefined : flags.driver,
		signal: interruption.signal,
		onUnasked({ name, availability }, names) {
			const reason = availability.usable ? "" : `: ${availability.reason}`;
			unasked.push(`${name}, where ${names.join(", ")} was the last time, is not usable now${reason}`);
		},
	});
	for (const text of unasked) await notice(text);
	return { computers, isWhole: unasked.length === 0 };
}

/** Does something with one that is there, and lets go of it. */
export async function withFound(context: Context, use: (computer: Computer) => Promise<number>): Promise<number> {
	const computer = await find(context);
	try {
		return await use(computer);
	} finally {
		await computer.close();
	}
}
