/** The computer itself: what it is, its variables, starting over. */

import { isComputerError } from "../errors/index.js";
import { saveBefore } from "./danger.js";
import { asData } from "./data-text.js";
import { FULL, flag, HINTS, list, parameters, STANDARD, text, tool } from "./define.js";
import { ToolFailure } from "./failure.js";
import { statusOf } from "./status.js";
import type { Answer, ToolCall } from "./tool.js";

export const setEnvVar = tool({
	name: "SetEnvVar",
	title: "Set a variable",
	description: "Set an environment variable for all later commands, restarts included.",
	input: parameters({ key: text(), value: text() }),
	output: { key: text(), value: text() },
	hints: { ...HINTS.CHANGE, idempotent: true },
	profiles: FULL,
	run: setVariable,
});

export const computerStatus = tool({
	name: "ComputerStatus",
	title: "Status",
	description: "System, disk, memory, network, installed tools, jobs, ports.",
	input: parameters({ "showProcesses?": flag() }),
	output: {
		name: text(),
		driver: text(),
		os: text(),
		cwd: text(),
		jobs: list(parameters({ job: text(), command: text(), running: flag() })),
		notices: list(text()),
	},
	hints: HINTS.READ,
	profiles: STANDARD,
	run: statusOf,
});

export const restartComputer = tool({
	name: "RestartComputer",
	title: "Restart",
	description: "Restart the computer: files stay, programs end.",
	input: parameters({}),
	output: {},
	hints: HINTS.REPLACE,
	cost: 0,
	profiles: FULL,
	run: (call) => call.lasting((signal) => restart({ ...call, signal })),
});

export const rebuildComputer = tool({
	name: "RebuildComputer",
	title: "Rebuild",
	description: "Delete the computer with all its files and make it anew. Ask the user first.",
	input: parameters({ "confirm?": flag() }),
	output: {},
	hints: HINTS.REPLACE,
	cost: 0,
	profiles: FULL,
	run: (call) => call.lasting((signal) => rebuild({ ...call, signal })),
});

export const resetShell = tool({
	name: "ResetShell",
	title: "New shell",
	description: "End the shell and what runs in it; the next command has a fresh one.",
	input: parameters({}),
	output: {},
	hints: HINTS.REPLACE,
	cost: 0,
	profiles: STANDARD,
	run: reset,
});

async function setVariable(call: ToolCall): Promise<Answer> {
	const { key, value } = call.args as { key: string; value: string };
	const computer = await call.computer();
	await computer.environment.set({ [key]: value }, { signal: call.signal });
	return { text: `${key} is set for every later command\n${asData("value", value)}`, structured: { key, value } };
}

async function restart(call: ToolCall): Promise<Answer> {
	const computer = await call.computer();
	call.status("restarting the computer");
	call.memory.forgetMachine();
	await computer.restart({ signal: call.signal });
	return { text: "the computer was restarted: files are there, programs and jobs have ended, the shell is fresh in the home folder" };
}

async function rebuild(call: ToolCall): Promise<Answer> {
	if (call.args["confirm"] !== true) {
		throw new ToolFailure({
			code: "invalid_argument",
			message: "this deletes the computer with every file in it; nothing was done",
			hint: "Ask the user. What is there now is saved as a checkpoint first, where the computer can.",
			next: `if the user agrees: ${call.say("RebuildComputer", { confirm: true })}`,
		});
	}
	const computer = await call.computer();
	const saved = await saveBefore(call, computer, "before a rebuild");
	call.status("making the computer anew");
	call.memory.forgetMachine();
	await computer.rebuild({ keepFiles: false, signal: call.signal });
	return { text: `the computer was made anew: every file is gone, the shell is fresh in the home folder\n${saved}` };
}

async function reset(call: ToolCall): Promise<Answer> {
	const computer = await call.computer();
	await computer.sessions.remove(call.settings.session, { signal: call.signal }).catch((error: unknown) => {
		// There was none yet.
		if (!isComputerError(error, "not_found")) throw error;
	});
	await computer.sessions.open(call.settings.session, { signal: call.signal });
	return { text: "the shell is fresh, in the home folder; files and jobs are as they were" };
}
