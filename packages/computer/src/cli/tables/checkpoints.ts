/** Saved states. */
import type { CommandSpec } from "../commands.js";
import { FINDING } from "./flag-sets.js";

export const CHECKPOINTS: readonly CommandSpec[] = [
	{
		name: "checkpoint",
		summary: "save a computer's files and print the id",
		details: `What runs stands still for a moment and goes on. Not saved: running programs and /tmp. Ten are kept, 16 GiB in all; the oldest go.`,
		words: [{ syntax: "[label]", help: "a few words for people, 200 characters at most" }],
		flags: FINDING,
		examples: [["lms-computer checkpoint 'before the upgrade'", "with a label"]],
		failureStatus: 1,
		load: () => import("../commands/checkpoint.js"),
	},
	{
		name: "checkpoints",
		summary: "list the checkpoints of a computer, oldest first",
		flags: FINDING,
		examples: [["lms-computer checkpoints --json | jq -r '.[-1].id'", "the newest"]],
		failureStatus: 1,
		load: () => import("../commands/checkpoints.js"),
	},
	{
		name: "rollback",
		summary: "put the files of a computer back as they were; does not ask",
		details: `Programs that run end; shells are fresh. Later checkpoints stay.`,
		words: [{ syntax: "<id>", help: "the checkpoint, as `checkpoints` tells it" }],
		flags: FINDING,
		examples: [["lms-computer rollback 3f9c01d2ab47", "what was changed since is gone"]],
		failureStatus: 1,
		load: () => import("../commands/rollback.js"),
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
		load: () => import("../commands/fork.js"),
	},
	{
		name: "diff",
		summary: "which files changed since a checkpoint",
		details: `A for added, C for changed, D for deleted, then the path. /tmp does not count.`,
		words: [{ syntax: "<id>", help: "the checkpoint, as `checkpoints` tells it" }],
		flags: FINDING,
		examples: [["lms-computer diff 3f9c01d2ab47", "since then"]],
		failureStatus: 1,
		load: () => import("../commands/diff.js"),
	},
];
