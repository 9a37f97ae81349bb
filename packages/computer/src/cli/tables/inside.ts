/** What a computer has inside, and the ways to it. */
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
];
