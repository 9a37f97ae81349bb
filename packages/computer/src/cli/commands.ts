/** Every command there is. Its code is loaded when it is run, so that none pays for another. */
import { SETTING_NAMES, SETTINGS, type Setting } from "../options/settings.js";
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

interface Words {
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
	/** The words are a command line of their own: our flags end at the first of them. */
	readonly passThrough?: boolean;
	readonly flags: readonly FlagName[];
	readonly examples: readonly (readonly [command: string, what: string])[];
	/** Exit status of an error of ours; 2 for wrong usage is the same everywhere. */
	readonly failureStatus: number;
	readonly load: () => Promise<{ readonly run: Run }>;
}

const FINDING = ["name", "driver", "json"] as const;
const MAKING = ["name", ...SETTING_NAMES.filter((name) => !(SETTINGS[name] as Setting<unknown>).ofCalls)] as const;

export const COMMANDS: readonly CommandSpec[] = [
	{
		name: "exec",
		summary: "run a command in a computer, which is made when it is missing",
		details: `One word is the shell text itself; several are joined by a space, as ssh does. The shell is a lasting one: the next exec finds its
directory, variables and functions. Exit status: the command's; 124 after a timeout, 125 when lms-computer itself failed,
2 for wrong usage, 130 after Ctrl-C. With --detach it runs on as a job, in a shell of its own that begins where the session is.`,
		words: [{ syntax: "<command...>", help: "shell text; lms-computer's own flags come before it" }],
		passThrough: true,
		flags: [...MAKING, "session", "timeoutMs", "onTimeout", "detach", "cwd", "callEnv", "stdin", "maxOutputBytes", "json", "quiet"],
		examples: [
			["lms-computer exec uname -a", "several words"],
			["lms-computer exec 'cd /tmp && ls | wc -l'", "one word, with the shell's own syntax"],
			["lms-computer exec --timeout 5 -e N=3 -- 'sleep $N; echo done'", "a time limit and a variable"],
			["lms-computer exec -i 'cat > notes.txt' < notes.txt", "a file goes in"],
			["lms-computer exec --detach make all", "as a job; `logs`, `wait` and `kill` take the id it prints"],
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
		words: [{ syntax: "[name]", help: "the computer, the same as --name" }],
		namesComputers: true,
		flags: [...MAKING, "session", "quiet"],
		examples: [
			["lms-computer shell", "the default computer"],
			["lms-computer shell work --session logs", "a second terminal in the computer `work`"],
		],
		failureStatus: 125,
		load: () => import("./commands/shell.js"),
	},
	{
		name: "jobs",
		summary: "list commands of a computer, running and finished",
		details: `Also those that \`exec\` waits for. The last 256 finished are remembered, until the computer stops.`,
		flags: FINDING,
		examples: [
			["lms-computer jobs", "of the default computer"],
			["lms-computer jobs --json | jq -r '.[] | select(.running).id'", "those that run"],
		],
		failureStatus: 1,
		load: () => import("./commands/jobs.js"),
	},
	{
		name: "logs",
		summary: "what a job has written",
		details: `Byte for byte. Of a very long log the middle is dropped, and that is said. With --json the end of each stream, as text. Ctrl-C ends the
looking on, not the job.`,
		words: [{ syntax: "<id>", help: "the job, as `jobs` and `exec --detach` tell it" }],
		flags: [...FINDING, "stream", "follow", "maxOutputBytes"],
		examples: [
			["lms-computer logs 7 --follow", "and what it still writes, until it ends"],
			["lms-computer logs 7 --stream stderr | grep -i error", "one stream alone"],
		],
		failureStatus: 1,
		load: () => import("./commands/logs.js"),
	},
	{
		name: "wait",
		summary: "wait until a job ends",
		details: `Exit status: the job's; 124 when a time limit ended it or it still runs after --timeout, 125 when lms-computer itself failed. Ctrl-C ends
the waiting, not the job.`,
		words: [{ syntax: "<id>", help: "the job, as `jobs` and `exec --detach` tell it" }],
		flags: [...FINDING, "waitTimeout"],
		examples: [
			["lms-computer wait 7 && echo good", "its exit status is ours"],
			["lms-computer wait 7 --timeout 60", "a minute at most"],
		],
		failureStatus: 125,
		load: () => import("./commands/wait.js"),
	},
	{
		name: "kill",
		summary: "end a job and all it started",
		details: `Interrupts it as Ctrl-C does; what does not heed that gets the signal, and after two seconds KILL. Returns when it is gone; one that
has ended is left alone.`,
		words: [{ syntax: "<id>", help: "the job, as `jobs` and `exec --detach` tell it" }],
		flags: [...FINDING, "signal"],
		examples: [
			["lms-computer kill 7", "with TERM, if Ctrl-C is not enough"],
			["lms-computer kill 7 --signal KILL", "without grace"],
		],
		failureStatus: 1,
		load: () => import("./commands/kill.js"),
	},
	{
		name: "env",
		summary: "list, set or unset the variables of a computer",
		details: `Every later command, job and terminal has them, after a restart too; shells that run have them from their next command on.`,
		words: [{ syntax: "[change...]", help: "`set NAME=value…` or `unset NAME…`; without it they are listed" }],
		flags: FINDING,
		examples: [
			["lms-computer env", "all that are set"],
			["lms-computer env set FRUIT=pear 'GREETING=good day'", "several at once"],
			["lms-computer env unset FRUIT", "away again"],
		],
		failureStatus: 1,
		load: () => import("./commands/env.js"),
	},
	{
		name: "port",
		summary: "reach a port of a computer from this host, until Ctrl-C",
		details: `The computer needs no network for it. Nobody but this host can connect. Exit status: 130 after Ctrl-C.`,
		words: [{ syntax: "<port>", help: "GUESTPORT or GUESTPORT:HOSTPORT; without HOSTPORT any free one" }],
		flags: [...FINDING, "quiet"],
		examples: [
			["lms-computer port 8000", "port 8000 of the computer, at an address that is printed"],
			["lms-computer port 8000:3000", "the same, at port 3000 of this host"],
		],
		failureStatus: 1,
		load: () => import("./commands/port.js"),
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
		words: [{ syntax: "[name]", help: "the computer, the same as --name" }],
		namesComputers: true,
		flags: [...FINDING],
		examples: [["lms-computer status work", "the computer `work`"]],
		failureStatus: 1,
		load: () => import("./commands/status.js"),
	},
	{
		name: "stop",
		summary: "stop computers: every program ends, files are kept",
		words: [{ syntax: "[names...]", help: "which; without one, the default computer" }],
		namesComputers: true,
		flags: ["name", "driver", "all", "json"],
		examples: [
			["lms-computer stop work", "the computer `work`; the next exec starts it again"],
			["lms-computer stop --all", "all that run"],
		],
		failureStatus: 1,
		load: () => import("./commands/stop.js"),
	},
	{
		name: "restart",
		summary: "stop computers and start them again; files and directories of shells are kept",
		words: [{ syntax: "[names...]", help: "which; without one, the default computer" }],
		namesComputers: true,
		flags: FINDING,
		examples: [["lms-computer restart work", "the computer `work`"]],
		failureStatus: 1,
		load: () => import("./commands/restart.js"),
	},
	{
		name: "rm",
		summary: "remove computers, running or not, with all their files; does not ask",
		words: [{ syntax: "[names...]", help: "which; one is needed, or --all" }],
		namesComputers: true,
		flags: ["name", "driver", "all", "json"],
		examples: [
			["lms-computer rm work scratch", "these two"],
			["lms-computer rm --all --driver podman", "all that Podman has"],
		],
		failureStatus: 1,
		load: () => import("./commands/rm.js"),
	},
	{
		name: "checkpoint",
		summary: "save a computer's files and print the id",
		details: `What runs stands still for a moment and goes on. Not saved: running programs and /tmp. Ten are kept, 16 GiB in all; the oldest go.`,
		words: [{ syntax: "[label]", help: "a few words for people, 200 characters at most" }],
		flags: FINDING,
		examples: [["lms-computer checkpoint 'before the upgrade'", "with a label"]],
		failureStatus: 1,
		load: () => import("./commands/checkpoint.js"),
	},
	{
		name: "checkpoints",
		summary: "list the checkpoints of a computer, oldest first",
		flags: FINDING,
		examples: [["lms-computer checkpoints --json | jq -r '.[-1].id'", "the newest"]],
		failureStatus: 1,
		load: () => import("./commands/checkpoints.js"),
	},
	{
		name: "rollback",
		summary: "put the files of a computer back as they were; does not ask",
		details: `Programs that run end; shells are fresh. Later checkpoints stay.`,
		words: [{ syntax: "<id>", help: "the checkpoint, as `checkpoints` tells it" }],
		flags: FINDING,
		examples: [["lms-computer rollback 3f9c01d2ab47", "what was changed since is gone"]],
		failureStatus: 1,
		load: () => import("./commands/rollback.js"),
	},
	{
		name: "fork",
		summary: "make a new computer with the files of a checkpoint, or of now",
		details: `On the same driver, running. Both go their own ways.`,
		words: [
			{ syntax: "<id>", help: "the checkpoint, as `checkpoints` tells it, or `now`" },
			{ syntax: "<newname>", help: "the name of the new computer" },
		],
		flags: FINDING,
		examples: [
			["lms-computer fork 3f9c01d2ab47 try", "a computer `try` with the files of then"],
			["lms-computer fork now try --name work", "a copy of `work`"],
		],
		failureStatus: 1,
		load: () => import("./commands/fork.js"),
	},
	{
		name: "diff",
		summary: "which files changed since a checkpoint",
		details: `A for added, C for changed, D for deleted, then the path. /tmp does not count.`,
		words: [{ syntax: "<id>", help: "the checkpoint, as `checkpoints` tells it" }],
		flags: FINDING,
		examples: [["lms-computer diff 3f9c01d2ab47", "since then"]],
		failureStatus: 1,
		load: () => import("./commands/diff.js"),
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
