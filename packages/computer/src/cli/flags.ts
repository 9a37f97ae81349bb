/** Every flag there is, once: the parser, the help and the types of what a command gets all come from this table. */
import { InvalidArgumentError } from "commander";
import { ComputerError } from "../errors/index.js";
import type { OpenOptions } from "../index.js";
import { DEFAULTS, NAME_PATTERN, SERVING, SESSION_PATTERN } from "../limits.js";
import { CLIENT_NAMES } from "../mcp/setup/client-names.js";
import { readFlag, SETTING_NAMES, SETTINGS, type SettingName } from "../options/settings.js";

export interface Flag {
	/** In commander's notation. */
	readonly syntax: string;
	readonly help: string;
	/** Text to value; `before` is the value so far of a flag that is given several times. Without it the flag is a switch. */
	readonly read?: (text: string, before: never) => unknown;
	/** The variable that stands in for a flag not given. */
	readonly env?: string;
}

/** Of a wait, a year. */
const MAX_WAIT_SECONDS = 31_536_000;

type SettingFlags = { readonly [Name in SettingName]: Flag & { readonly read: (text: string, before: never) => OpenOptions[Name] } };

/** What a computer can be told: see options/settings.ts. The environment and the configuration file are read later, with all the rest. */
const SETTING_FLAGS = Object.fromEntries(
	SETTING_NAMES.map((name) => [name, { syntax: SETTINGS[name].flag, help: SETTINGS[name].help, read: reader(name) }]),
) as unknown as SettingFlags;

export const FLAGS = {
	name: {
		syntax: "-n, --name <name>",
		help: `the computer (default: ${DEFAULTS.name})`,
		env: "LMS_COMPUTER_NAME",
		read: matching(NAME_PATTERN, "a name of a-z, 0-9, dot, dash and underscore, 63 at most"),
	},
	...SETTING_FLAGS,
	session: {
		syntax: "-s, --session <session>",
		help: `the shell to use, made on first use (default: ${DEFAULTS.session})`,
		read: matching(SESSION_PATTERN, "a name of letters, digits, dot, dash and underscore, 64 at most"),
	},
	onTimeout: {
		syntax: "--on-timeout <what>",
		help: "kill the command, or let it go on as a job (default: kill)",
		read: oneOf(["kill", "job"]),
	},
	detach: { syntax: "--detach", help: "start it as a job, print its id and leave it running; no time limit unless --timeout" },
	cwd: { syntax: "-C, --cwd <directory>", help: "run there, this command alone", read: matching(/./s, "some text") },
	callEnv: { syntax: "-e, --env <NAME=value>", help: "a variable for this command alone; may be given several times", read: variable },
	stdin: { syntax: "-i, --stdin", help: "the command reads our standard input; without it, end of file at once" },
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
	lines: {
		syntax: "-l, --lines <number>",
		help: "how many of the latest to begin with (default: 50)",
		read: whole(1, 100_000),
	},
	follow: { syntax: "-f, --follow", help: "go on with what comes, until it ends or Ctrl-C" },
	signal: {
		syntax: "--signal <name>",
		help: "TERM, INT, HUP, QUIT, USR1, USR2 or KILL (default: TERM)",
		read: matching(/^(SIG)?[A-Z][A-Z0-9+-]{1,12}$/, "the name of a signal, such as TERM or SIGINT"),
	},
	profile: {
		syntax: "--profile <profile>",
		help: "how many tools the model is told of: compact, standard or full (default: full)",
		read: oneOf(["compact", "standard", "full"]),
	},
	hostFolder: {
		syntax: "--host-folder <directory>",
		help: "a directory of this host that tools may copy from and to, beside the shared folders; may be given several times",
		read: several(/./s, "a directory"),
	},
	skipConfirmation: {
		syntax: "--skip-confirmation",
		help: "let the model do what destroys the computer itself without confirming it",
	},
	printConfig: {
		syntax: "--print-config <client>",
		help: `print what ${CLIENT_NAMES.join(", ")} needs, and end`,
		read: oneOf(CLIENT_NAMES),
	},
	install: {
		syntax: "--install <client>",
		help: "write that into the client's configuration, after asking, and end",
		read: oneOf(CLIENT_NAMES),
	},
	yes: { syntax: "-y, --yes", help: "do not ask" },
	port: {
		syntax: "--port <port>",
		help: `the port to listen on, 0 for any free one (default: ${SERVING.port})`,
		read: whole(0, 65_535),
	},
	listen: {
		syntax: "--listen <address>",
		help: `the address to listen on (default: ${SERVING.address})`,
		read: matching(/^[0-9A-Fa-f.:]{2,45}$/, "an IP address"),
	},
	allowHost: {
		syntax: "--allow-host <host>",
		help: "a further name, without a port, by which clients may reach it; may be given several times",
		read: several(/^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])$/, "the name of a host"),
	},
	tokenFile: {
		syntax: "--token-file <file>",
		help: "holds the token, and is made when it is missing (default: token, beside the configuration file)",
		read: matching(/./s, "a file"),
	},
	all: { syntax: "-a, --all", help: "every computer (of that driver)" },
	everyones: { syntax: "-a, --all", help: "those of other users and hosts on the same engine too, and how much is left over" },
	dropFiles: { syntax: "--drop-files", help: "without its files, as a new one" },
	dryRun: { syntax: "--dry-run", help: "only show" },
	json: { syntax: "--json", help: "one JSON object on standard output, errors too" },
	quiet: { syntax: "-q, --quiet", help: "no progress and no notices on standard error" },
} as const satisfies Readonly<Record<string, Flag>>;

export type FlagName = keyof typeof FLAGS;

/** What a command is given: only the flags it takes, only those that were given. */
export type FlagValues = {
	readonly [Name in FlagName]?: ((typeof FLAGS)[Name] extends { read: (...given: never[]) => infer T } ? T : boolean) | undefined;
};

/** The setting's own words about wrong text, as the parser's. */
function reader(name: SettingName): (text: string, before: unknown) => unknown {
	return (given, before) => {
		try {
			return readFlag(name, given, before);
		} catch (error) {
			if (!(error instanceof ComputerError)) throw error;
			throw new InvalidArgumentError(`${error.message[0]?.toUpperCase()}${error.message.slice(1)}.`);
		}
	};
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

function whole(min: number, max: number): (given: string) => number {
	return (given) => {
		if (/^\d{1,9}$/.test(given) && Number(given) >= min && Number(given) <= max) return Number(given);
		throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
	};
}

function several(pattern: RegExp, expected: string): (given: string, before: readonly string[] | undefined) => readonly string[] {
	const read = matching(pattern, expected);
	return (given, before = []) => [...before, read(given)];
}

function number(min: number, max: number): (given: string) => number {
	return (given) => {
		const value = /^\d+(\.\d+)?$|^\.\d+$/.test(given) ? Number(given) : Number.NaN;
		if (value >= min && value <= max) return value;
		throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
	};
}

function variable(given: string, before: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
	const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(given) ?? [];
	if (name === undefined || value === undefined)
		throw new InvalidArgumentError("Expected NAME=value, the name of letters, digits and underscore.");
	return { ...before, [name]: value };
}
