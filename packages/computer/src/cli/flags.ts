/** Every flag there is, once: the parser, the help and the types of what a command gets all come from this table. */
import { InvalidArgumentError } from "commander";
import { BOUNDS, DEFAULTS, NAME_PATTERN, SESSION_PATTERN } from "../limits.js";

export interface Flag {
	/** In commander's notation. */
	readonly syntax: string;
	readonly help: string;
	/** Text to value; `before` is the value so far of a flag that is given several times. Without it the flag is a switch. */
	readonly read?: (text: string, before: never) => unknown;
	/** The variable that stands in for a flag not given. */
	readonly env?: string;
}

const DRIVERS = ["auto", "docker", "podman", "namespace"] as const;
const SECOND = 1000;
const KIB = 1024;
const MIB = 1024 * KIB;
/** Of a wait, a year. */
const MAX_WAIT_SECONDS = 31_536_000;
const UNITS: Readonly<Record<string, number>> = { "": 1, k: KIB, m: MIB, g: 1024 * MIB };

export const FLAGS = {
	name: {
		syntax: "-n, --name <name>",
		help: `the computer (default: ${DEFAULTS.name})`,
		env: "LMS_COMPUTER_NAME",
		read: matching(NAME_PATTERN, "a name of a-z, 0-9, dot, dash and underscore, 63 at most"),
	},
	driver: {
		syntax: "-d, --driver <driver>",
		help: `${DRIVERS.join(", ")} (default: where the computer is, else the first usable one)`,
		env: "LMS_COMPUTER_DRIVER",
		read: oneOf(DRIVERS),
	},
	image: {
		syntax: "--image <image>",
		help: `when it is made: the image (default: ${DEFAULTS.image}; the namespace driver has the host's own system)`,
		env: "LMS_COMPUTER_IMAGE",
		read: text,
	},
	network: {
		syntax: "--network <mode>",
		help: `when it is made: none or open (default: ${DEFAULTS.network})`,
		read: oneOf(["none", "open"]),
	},
	cpus: { syntax: "--cpus <number>", help: `when it is made: processors, 0 for all (default: ${DEFAULTS.cpus})`, read: number(0, 1024) },
	memory: {
		syntax: "--memory <bytes>",
		help: `when it is made: memory, such as 512m, 0 for all (default: ${DEFAULTS.memoryBytes / MIB}m)`,
		read: bytes(0, Number.MAX_SAFE_INTEGER),
	},
	session: {
		syntax: "-s, --session <session>",
		help: `the shell to use, made on first use (default: ${DEFAULTS.session})`,
		read: matching(SESSION_PATTERN, "a name of letters, digits, dot, dash and underscore, 64 at most"),
	},
	timeout: {
		syntax: "-t, --timeout <seconds>",
		help: `time limit of the command, 0 for none (default: ${DEFAULTS.timeoutMs / SECOND}, at most ${BOUNDS.timeoutMs.max / SECOND})`,
		read: number(0, BOUNDS.timeoutMs.max / SECOND),
	},
	onTimeout: {
		syntax: "--on-timeout <what>",
		help: "kill the command, or let it go on as a job (default: kill)",
		read: oneOf(["kill", "job"]),
	},
	detach: { syntax: "--detach", help: "start it as a job, print its id and leave it running; no time limit unless --timeout" },
	cwd: { syntax: "-C, --cwd <directory>", help: "run there, this command alone", read: text },
	env: { syntax: "-e, --env <NAME=value>", help: "a variable for this command alone; may be given several times", read: variable },
	stdin: { syntax: "-i, --stdin", help: "the command reads our standard input; without it, end of file at once" },
	maxOutput: {
		syntax: "--max-output <bytes>",
		help: `with --json: how much of each stream the result holds, such as 64k (default: ${DEFAULTS.maxOutputBytes / KIB}k)`,
		read: bytes(BOUNDS.maxOutputBytes.min, BOUNDS.maxOutputBytes.max),
	},
	waitTimeout: {
		syntax: "-t, --timeout <seconds>",
		help: "how long to wait; the job goes on after it (default: until it ends)",
		read: number(0.001, MAX_WAIT_SECONDS),
	},
	stream: {
		syntax: "--stream <which>",
		help: "stdout or stderr alone, on standard output (default: both, each where it belongs)",
		read: oneOf(["stdout", "stderr"]),
	},
	follow: { syntax: "-f, --follow", help: "go on until the job ends" },
	signal: {
		syntax: "--signal <name>",
		help: "TERM, INT, HUP, QUIT, USR1, USR2 or KILL (default: TERM)",
		read: matching(/^(SIG)?[A-Z][A-Z0-9+-]{1,12}$/, "the name of a signal, such as TERM or SIGINT"),
	},
	all: { syntax: "-a, --all", help: "every computer (of that driver)" },
	json: { syntax: "--json", help: "one JSON object on standard output, errors too" },
	quiet: { syntax: "-q, --quiet", help: "no progress and no notices on standard error" },
} as const satisfies Readonly<Record<string, Flag>>;

export type FlagName = keyof typeof FLAGS;

/** What a command is given: only the flags it takes, only those that were given. */
export type FlagValues = {
	readonly [Name in FlagName]?: ((typeof FLAGS)[Name] extends { read: (...given: never[]) => infer T } ? T : boolean) | undefined;
};

function text(given: string): string {
	if (given === "") throw new InvalidArgumentError("Expected some text.");
	return given;
}

function matching(pattern: RegExp, expected: string): (given: string) => string {
	return (given) => {
		if (pattern.test(given)) return given;
		throw new InvalidArgumentError(`Expected ${expected}.`);
	};
}

function oneOf<const T extends string>(values: readonly T[]): (given: string) => T {
	return (given) => {
		const found = values.find((value) => value === given);
		if (found !== undefined) return found;
		throw new InvalidArgumentError(`Expected one of ${values.join(", ")}.`);
	};
}

function number(min: number, max: number): (given: string) => number {
	return (given) => {
		const value = /^\d+(\.\d+)?$|^\.\d+$/.test(given) ? Number(given) : Number.NaN;
		if (value >= min && value <= max) return value;
		throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
	};
}

function bytes(min: number, max: number): (given: string) => number {
	return (given) => {
		const [, digits, unit] = /^(\d{1,15})([kmg]?)i?b?$/i.exec(given) ?? [];
		const value = Number(digits) * (UNITS[unit?.toLowerCase() ?? "?"] ?? Number.NaN);
		if (value >= min && value <= max) return value;
		throw new InvalidArgumentError(`Expected a number of bytes from ${min} to ${max}, such as 64k, 512m or 2g.`);
	};
}

function variable(given: string, before: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
	const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(given) ?? [];
	if (name === undefined || value === undefined)
		throw new InvalidArgumentError("Expected NAME=value, the name of letters, digits and underscore.");
	return { ...before, [name]: value };
}
