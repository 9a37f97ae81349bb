/** lms-computer itself. */
import type { CommandSpec } from "../commands.js";

export const ABOUT: readonly CommandSpec[] = [
	{
		name: "doctor",
		summary: "every driver: what it can do here, or why not and what to do",
		details: "Exit status: 0 when a driver is usable, else 1.",
		flags: ["json"],
		examples: [["lms-computer doctor", "when something does not work, begin here"]],
		failureStatus: 1,
		load: () => import("../commands/doctor.js"),
	},
	{
		name: "config",
		summary: "which settings hold for a computer, and where each comes from",
		details: "Flags come before the environment's variables, these before the configuration file, that before the defaults.",
		words: [{ syntax: "[name]", help: "the computer, the same as --name; it need not be there" }],
		namesComputers: true,
		flags: ["name", "json"],
		examples: [["lms-computer config work", "of the computer `work`"]],
		failureStatus: 1,
		load: () => import("../commands/config.js"),
	},
	{
		name: "completion",
		summary: "print what makes a shell complete our commands, flags and names",
		words: [{ syntax: "<shell>", help: "bash, zsh or fish" }],
		flags: [],
		examples: [
			["source <(lms-computer completion bash)", "in ~/.bashrc; zsh in the same way"],
			["lms-computer completion fish > ~/.config/fish/completions/lms-computer.fish", "once"],
		],
		failureStatus: 1,
		load: () => import("../commands/completion.js"),
	},
];
