/** How commands come to a computer: made or started with progress, or only found. */
import { ComputerError } from "../errors/index.js";
import { type Computer, findComputer, openComputer } from "../index.js";
import { DEFAULTS } from "../limits.js";
import type { Context } from "./commands.js";
import { notice } from "./output.js";
import { ProgressLine } from "./progress-line.js";

/** A clock of a remote engine may be off by so much. */
const CLOCK_SKEW_MS = 5_000;

/** The computer the flags name, made or started if it must. What the user should know of it is said, or left to the caller with `json`. */
export async function open({ flags, interruption }: Context, name = flags.name): Promise<Computer> {
	const startedAt = Date.now();
	const progress = flags.quiet || flags.json ? undefined : new ProgressLine(process.stderr);
	let computer: Computer;
	try {
		computer = await openComputer({
			name,
			driver: flags.driver,
			image: flags.image,
			network: flags.network,
			cpus: flags.cpus,
			memoryBytes: flags.memory,
			onProgress: progress?.report,
			signal: interruption.signal,
		});
	} finally {
		progress?.end();
	}
	if (!flags.quiet && !flags.json) for (const text of await news(computer, flags, startedAt)) await notice(text);
	return computer;
}

/** What this call changed or did not do. What is true of the machine all along is said when it is made, and by `status`. */
async function news(computer: Computer, flags: Context["flags"], startedAt: number): Promise<readonly string[]> {
	const ignored = (["network", "cpus", "memory"] as const).filter((flag) => flags[flag] !== undefined);
	if (computer.notices.length === 0 && ignored.length === 0) return [];
	const { createdAt, warnings } = await computer.inspect();
	if (createdAt > startedAt - CLOCK_SKEW_MS) return computer.notices;
	const told = computer.notices.filter((text) => !warnings.includes(text));
	if (ignored.length === 0) return told;
	const names = ignored.map((flag) => `--${flag}`).join(", ");
	return [...told, `${computer.name} was made before: ${names} changed nothing, they count when a computer is made`];
}

/** One that is there. `not_found` when it is not. */
export async function find({ flags, interruption }: Context, name = flags.name ?? DEFAULTS.name): Promise<Computer> {
	const computer = await findComputer({ name, driver: flags.driver, signal: interruption.signal });
	if (computer !== undefined) return computer;
	const where = flags.driver === undefined || flags.driver === "auto" ? "" : ` on ${flags.driver}`;
	throw new ComputerError("not_found", `there is no computer "${name}"${where}`, { hint: "`lms-computer ls` shows those that are there." });
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
