/** Every command there is. Its code is loaded when it is run, so that none pays for another. */
import type { FlagName, FlagValues } from "./flags.js";
import type { Interruption } from "./interruption.js";
import { ABOUT } from "./tables/about.js";
import { CHECKPOINTS } from "./tables/checkpoints.js";
import { COMPUTERS } from "./tables/computers.js";
import { INSIDE } from "./tables/inside.js";
import { JOBS } from "./tables/jobs.js";
import { RUN } from "./tables/run.js";
import { SERVERS } from "./tables/servers.js";

export interface Context {
	readonly flags: FlagValues;
	/** What is left of the command line: a command's words, or names. */
	readonly words: readonly string[];
	readonly interruption: Interruption;
	/** Every command there is. */
	readonly commands: readonly CommandSpec[];
}

/** Answers the exit status. */
export type Run = (context: Context) => Promise<number>;

export interface Words {
	/** In commander's notation. */
	readonly syntax: string;
	readonly help: string;
}

export interface CommandSpec {
	readonly name: string;
	readonly summary: string;
	readonly details?: string;
	readonly words?: readonly Words[];
	/** The words are names of computers, as --name gives one. */
	readonly namesComputers?: boolean;
	/** What it does cannot be undone: neither the environment nor the default names a computer for it. */
	readonly wantsName?: boolean;
	/** The words are a command line of their own: our flags end at the first of them. */
	readonly passThrough?: boolean;
	readonly flags: readonly FlagName[];
	readonly examples: readonly (readonly [command: string, what: string])[];
	/** Exit status of an error of ours; 2 for wrong usage is the same everywhere. */
	readonly failureStatus: number;
	readonly load: () => Promise<{ readonly run: Run }>;
}

/** In the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [...RUN, ...JOBS, ...INSIDE, ...COMPUTERS, ...CHECKPOINTS, ...SERVERS, ...ABOUT];
