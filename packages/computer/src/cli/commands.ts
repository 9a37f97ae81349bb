/** Every command there is. Its code is loaded when it is run, so that none pays for another. */
import type { FlagName, FlagValues } from "./flags.js";
import type { Interruption } from "./interruption.js";

export interface Context {
	readonly flags: FlagValues;
	/** What is left of the command line: a command's words, or names. */
	readonly words: readonly string[];
	readonly interruption: Interruption;
}

/** Answers the exit status. */
export type Run = (context: Context) => Promise<number>;

export interface CommandSpec {
	readonly name: string;
	readonly summary: string;
	readonly details?: string;
	/** In commander's notation. */
	readonly words?: { readonly syntax: string; readonly help: string };
	/** The words are a command line of their own: our flags end at the first of them. */
	readonly passThrough?: boolean;
	readonly flags: readonly FlagName[];
	readonly examples: readonly (readonly [command: string, what: string])[];
	/** Exit status of an error of ours; 2 for wrong usage is the same everywhere. */
	readonly failureStatus: number;
	readonly load: () => Promise<{ readonly run: Run }>;
}

const MAKING = ["name", "driver", "image", "network", "cpus", "memory"] as const;

export const COMMANDS: readonly CommandSpec[] = [
	{
		name: "exec",
		summary: "run a command in a computer, which is made when it is missing",
		details: `One word is the shell text itself; several are joined by a space, as ssh does. The shell is a lasting one: the next exec finds its
directory, variables and functions. Exit status: the command's; 124 after a timeout, 125 when lms-computer itself failed,
2 for wrong usage, 130 after Ctrl-C.`,
		words: { syntax: "<command...>", help: "shell text; lms-computer's own flags come before it" },
		passThrough: true,
		flags: [...MAKING, "session", "timeout", "onTimeout", "cwd", "env", "stdin", "maxOutput", "json", "quiet"],
		examples: [
			["lms-computer exec uname -a", "several words"],
			["lms-computer exec 'cd /tmp && ls | wc -l'", "one word, with the shell's own syntax"],
			["lms-computer exec --timeout 5 -e N=3 -- 'sleep $N; echo done'", "a time limit and a variable"],
			["lms-computer exec -i 'cat > notes.txt' < notes.txt", "a file goes in"],
			["lms-computer exec --json 'make test' | jq .exitCode", "for programs"],
		],
		failureStatus: 125,
		load: () => import("./commands/exec.js"),
	},
	{
		name: "shell",
		summary: "a terminal in a computer, which is made when it is missing",
		details: `Begins in the directory and with the variables of the session. Ctrl-] detaches: the terminal and its programs live on, and the next
\`shell\` of the same session shows it again. Exit status: the program's; 0 after detaching.`,
		words: { syntax: "[name]", help: "the computer, the same as --name" },
		flags: [...MAKING, "session", "quiet"],
		examples: [
			["lms-computer shell", "the default computer"],
			["lms-computer shell work --session logs", "a second terminal in the computer `work`"],
		],
		failureStatus: 125,
		load: () => import("./commands/shell.js"),
	},
	{
		name: "ls",
		summary: "list computers",
		flags: ["driver", "json"],
		examples: [["lms-computer ls --json | jq -r '.[].name'", "only the names"]],
		failureStatus: 1,
		load: () => import("./commands/ls.js"),
	},
	{
		name: "status",
		summary: "what a computer is and what runs in it; starts nothing",
		words: { syntax: "[name]", help: "the computer, the same as --name" },
		flags: ["name", "driver", "json"],
		examples: [["lms-computer status work", "the computer `work`"]],
		failureStatus: 1,
		load: () => import("./commands/status.js"),
	},
	{
		name: "stop",
		summary: "stop computers: every program ends, files are kept",
		words: { syntax: "[names...]", help: "which; without one, the default computer" },
		flags: ["name", "driver", "all", "json"],
		examples: [
			["lms-computer stop work", "the computer `work`; the next exec starts it again"],
			["lms-computer stop --all", "all that run"],
		],
		failureStatus: 1,
		load: () => import("./commands/stop.js"),
	},
	{
		name: "rm",
		summary: "remove computers, running or not, with all their files; does not ask",
		words: { syntax: "[names...]", help: "which; one is needed, or --all" },
		flags: ["name", "driver", "all", "json"],
		examples: [
			["lms-computer rm work scratch", "these two"],
			["lms-computer rm --all --driver podman", "all that Podman has"],
		],
		failureStatus: 1,
		load: () => import("./commands/rm.js"),
	},
	{
		name: "doctor",
		summary: "every driver: what it can do here, or why not and what to do",
		details: "Exit status: 0 when a driver is usable, else 1.",
		flags: ["json"],
		examples: [["lms-computer doctor", "when something does not work, begin here"]],
		failureStatus: 1,
		load: () => import("./commands/doctor.js"),
	},
];
