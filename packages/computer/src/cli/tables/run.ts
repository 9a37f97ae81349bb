/** Commands in a computer. */
import type { CommandSpec } from "../commands.js";
import { MAKING } from "./flag-sets.js";

export const RUN: readonly CommandSpec[] = [
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
		load: () => import("../commands/exec.js"),
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
		load: () => import("../commands/shell.js"),
	},
	{
		name: "up",
		summary: "make a computer, or start it, and leave it running",
		words: [{ syntax: "[name]", help: "the computer, the same as --name" }],
		namesComputers: true,
		flags: [...MAKING, "json", "quiet"],
		examples: [
			["lms-computer up work --memory 2g --preset python", "a computer `work`, with Python"],
			["lms-computer up web --network open --publish 8080:80 --folder ./site:/mnt/site:ro", "ports and a folder of this host"],
		],
		failureStatus: 1,
		load: () => import("../commands/up.js"),
	},
];
