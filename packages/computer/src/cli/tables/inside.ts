/** What a computer has inside, and the ways to it. */

import { PRESETS } from "../../egress/presets.js";
import type { CommandSpec } from "../commands.js";
import { FINDING } from "./flag-sets.js";

export const INSIDE: readonly CommandSpec[] = [
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
		load: () => import("../commands/env.js"),
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
		load: () => import("../commands/port.js"),
	},
	{
		name: "cp",
		summary: "copy files and folders into a computer or out of it",
		details: `Of any size, whole or not at all: what is there stays until all has come. As cp has it, a target that is a folder gets the source inside;
\`folder/.\` stands for what is in the folder. Symlinks stay symlinks and are never followed out of the folder.`,
		words: [
			{ syntax: "<from>", help: "a path of this host, or :PATH or NAME:PATH in a computer, from its home on" },
			{ syntax: "<to>", help: "the other one" },
		],
		flags: [...FINDING, "quiet"],
		examples: [
			["lms-computer cp report.pdf :", "into the home directory of the default computer"],
			["lms-computer cp ./site/. work:/srv/site", "what is in a folder"],
			["lms-computer cp work:/var/log ./logs", "out again"],
		],
		failureStatus: 1,
		load: () => import("../commands/cp.js"),
	},
	{
		name: "log",
		summary: "what was run in a computer and what became of it",
		details: `Kept on this host, by every program that used the computer here; output is named by its command's id (\`logs\` shows it as long as it is
remembered). With --json one array, with --follow one object on each line.`,
		words: [{ syntax: "[name]", help: "the computer, the same as --name" }],
		namesComputers: true,
		flags: [...FINDING, "lines", "follow"],
		examples: [
			["lms-computer log work --lines 20", "the latest twenty"],
			["lms-computer log --follow", "and what happens from now on"],
		],
		failureStatus: 1,
		load: () => import("../commands/log.js"),
	},
	{
		name: "network",
		summary: "what a computer may reach: show it, or change it while it runs",
		details: `Rules: api.example.com (80 and 443), *.example.org, github.com:22, example.org:*, 10.0.0.5:5432, 10.0.0.0/8. Presets:
${presetLines()}
All of it goes through this host, which looks up names itself and refuses private addresses that no rule names. Somebody has to hold the computer
while it wants something: a command, a shell, a door.`,
		words: [
			{
				syntax: "[change...]",
				help: "`show`, `allow RULE…`, `deny RULE…`, `only RULE…` in place of all, `none`, or `open` for everything; without it, show",
			},
		],
		flags: FINDING,
		examples: [
			["lms-computer network", "what is allowed"],
			["lms-computer network allow pip npm '*.example.org'", "more"],
			["lms-computer network deny pip", "less"],
			["lms-computer network only api.example.com", "this alone"],
			["lms-computer network none", "nothing at all"],
			["lms-computer network open", "everything, while it runs"],
		],
		failureStatus: 1,
		load: () => import("../commands/network.js"),
	},
];

/** `  pip            pip's indexes`. */
function presetLines(): string {
	const width = Math.max(...Object.keys(PRESETS).map((word) => word.length));
	return Object.entries(PRESETS)
		.map(([word, { help }]) => `  ${word.padEnd(width)}  ${help}`)
		.join("\n");
}
