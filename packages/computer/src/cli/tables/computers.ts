/** Computers as a whole. */
import type { CommandSpec } from "../commands.js";
import { FINDING } from "./flag-sets.js";

export const COMPUTERS: readonly CommandSpec[] = [
	{
		name: "ls",
		summary: "list computers",
		flags: ["driver", "json"],
		examples: [["lms-computer ls --json | jq -r '.[].name'", "only the names"]],
		failureStatus: 1,
		load: () => import("../commands/ls.js"),
	},
	{
		name: "status",
		summary: "what a computer is and what runs in it; starts nothing",
		words: [{ syntax: "[name]", help: "the computer, the same as --name" }],
		namesComputers: true,
		flags: [...FINDING],
		examples: [["lms-computer status work", "the computer `work`"]],
		failureStatus: 1,
		load: () => import("../commands/status.js"),
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
		load: () => import("../commands/stop.js"),
	},
	{
		name: "restart",
		summary: "stop computers and start them again; files and directories of shells are kept",
		words: [{ syntax: "[names...]", help: "which; without one, the default computer" }],
		namesComputers: true,
		flags: FINDING,
		examples: [["lms-computer restart work", "the computer `work`"]],
		failureStatus: 1,
		load: () => import("../commands/restart.js"),
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
		load: () => import("../commands/rm.js"),
	},
];
