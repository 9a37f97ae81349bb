/** Commands that outlive their call. */
import type { CommandSpec } from "../commands.js";
import { FINDING } from "./flag-sets.js";

export const JOBS: readonly CommandSpec[] = [
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
		load: () => import("../commands/jobs.js"),
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
		load: () => import("../commands/logs.js"),
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
		load: () => import("../commands/wait.js"),
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
		load: () => import("../commands/kill.js"),
	},
];
