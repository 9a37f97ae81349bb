/** Saved states of the files, to try something and go back. */
import { showLine } from "./clean.js";
import { saveBefore } from "./danger.js";
import { FULL, flag, HINTS, list, parameters, text, tool } from "./define.js";
import { ToolFailure } from "./failure.js";
import type { Answer, ToolCall } from "./tool.js";

export const checkpoint = tool({
	name: "Checkpoint",
	title: "Save a checkpoint",
	description: "Save the state of all files, to go back to with Rollback.",
	input: parameters({ "label?": text() }),
	output: { checkpoint: text(), label: text() },
	hints: HINTS.CHANGE,
	profiles: FULL,
	run: (call) => call.lasting((signal) => save({ ...call, signal })),
});

export const rollback = tool({
	name: "Rollback",
	title: "Go back",
	description: "Put all files back to a checkpoint; programs end. Without an id: lists them.",
	input: parameters({ "checkpoint?": text(), "confirm?": flag() }),
	output: { checkpoint: text(), checkpoints: list(parameters({ checkpoint: text(), label: text() })) },
	hints: HINTS.REPLACE,
	profiles: FULL,
	run: (call) => call.lasting((signal) => goBack({ ...call, signal })),
});

async function save(call: ToolCall): Promise<Answer> {
	const computer = await call.computer();
	call.status("saving a checkpoint");
	const { id, label } = await computer.checkpoint((call.args["label"] as string | undefined) ?? "", { signal: call.signal });
	return {
		text: `saved as checkpoint "${id}"\nnext: ${call.say("Rollback", { checkpoint: id, confirm: true })} goes back to it`,
		structured: { checkpoint: id, label },
	};
}

async function goBack(call: ToolCall): Promise<Answer> {
	const { checkpoint: wanted, confirm = false } = call.args as { checkpoint?: string; confirm?: boolean };
	const computer = await call.computer();
	const all = await computer.checkpoints({ signal: call.signal });
	const found = all.find(({ id, label }) => id === wanted || (label !== "" && label === wanted));
	if (found === undefined) {
		const lines = all.map(({ id, label, createdAt }) => `"${id}" ${showLine(label)} (${new Date(createdAt).toISOString()})`);
		const none = lines.length === 0;
		if (wanted === undefined) {
			return {
				text: none
					? `there is no checkpoint\nnext: ${call.say("Checkpoint")} makes one`
					: ["checkpoints, oldest first:", ...lines].join("\n"),
				structured: { checkpoints: all.map(({ id, label }) => ({ checkpoint: id, label })) },
			};
		}
		throw new ToolFailure(
			{
				code: "not_found",
				message: `there is no checkpoint ${JSON.stringify(wanted.slice(0, 60))}`,
				hint: none ? "None was made." : "The checkpoints are:",
				next: none ? call.say("Checkpoint") : call.say("Rollback", { checkpoint: all.at(-1)?.id, confirm: true }),
			},
			lines.join("\n"),
		);
	}
	if (call.settings.strictSafety && !confirm) {
		throw new ToolFailure({
			code: "invalid_argument",
			message: "this puts every file back to the checkpoint and ends all programs; nothing was done",
			hint: "What is there now is saved as a checkpoint first.",
			next: call.say("Rollback", { checkpoint: found.id, confirm: true }),
		});
	}
	const saved = await saveBefore(call, computer, "before a rollback");
	call.memory.forgetMachine();
	call.status("going back to the checkpoint");
	await computer.rollback(found.id, { signal: call.signal });
	return {
		text: `all files are as they were at the checkpoint "${found.id}"; programs have ended, the shell is fresh\n${saved}`,
		structured: { checkpoint: found.id },
	};
}
