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
];
