/** Computers as a whole. */
import type { CommandSpec } from "../commands.js";
import { FINDING, MAKING } from "./flag-sets.js";

export const COMPUTERS: readonly CommandSpec[] = [
	{
		name: "ls",
		summary: "list computers",
		flags: ["driver", "everyones", "json"],
		examples: [
			["lms-computer ls --json | jq -r '.[].name'", "only the names"],
			["lms-computer ls --all", "also what others have made on the same engines"],
		],
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
		name: "rebuild",
		summary: "make a computer anew with other settings; its files are kept unless --drop-files",
		details: `Programs end, shells are fresh, checkpoints stay. Only what the flags name is changed. Another image needs --drop-files. Does not ask.`,
		words: [{ syntax: "[name]", help: "the computer, the same as --name" }],
		namesComputers: true,
		flags: [...MAKING, "dropFiles", "json", "quiet"],
		examples: [
			["lms-computer rebuild work --network open", "with a network, and all its files"],
			["lms-computer rebuild work --image debian:bookworm-slim --drop-files", "from another image, empty"],
		],
		failureStatus: 1,
		load: () => import("../commands/rebuild.js"),
	},
	{
		name: "prune",
		summary: "find and remove what nobody needs any more",
		details: `What killed processes left half-made, images prepared for older versions, and records of what is gone; only what this user of this host has made, and no
computer that can be used. Shows it and asks.`,
		flags: ["driver", "dryRun", "yes", "json"],
		examples: [
			["lms-computer prune", "what there is, and a question"],
			["lms-computer prune --dry-run --json | jq '.found | length'", "how much there is"],
		],
		failureStatus: 1,
		load: () => import("../commands/prune.js"),
	},
	{
		name: "rm",
		summary: "remove computers, running or not, with all their files; does not ask",
		words: [{ syntax: "[names...]", help: "which; one is needed, or --all: LMS_COMPUTER_NAME does not count" }],
		namesComputers: true,
		wantsName: true,
		flags: ["name", "driver", "all", "json"],
		examples: [
			["lms-computer rm work scratch", "these two"],
			["lms-computer rm --all --driver podman", "all that Podman has"],
		],
		failureStatus: 1,
		load: () => import("../commands/rm.js"),
	},
];
