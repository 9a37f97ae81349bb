import type { KnownCheckpoint, Snapshot } from "./model.js";
import { type Operations, type Step, show, whole } from "./step.js";

/** Two fewer than the product keeps: one that was begun elsewhere may have come between. */
const MAX_CHECKPOINTS = 8;
const NOTHING: Snapshot = new Map();

function known(step: Step) {
	const { checkpoints } = step.computer;
	return checkpoints[whole(step, checkpoints.length)];
}

/** What a call that names a checkpoint which should be there may answer: the oldest ones go, and another lane may remove it meanwhile, which adds to the answer. */
function mayBeGone(step: Step, checkpoint: KnownCheckpoint | undefined, more: readonly string[] = []): readonly string[] {
	const expected = [...more, ...(step.computer.checkpointsBegun > MAX_CHECKPOINTS ? ["not_found"] : [])];
	checkpoint?.calls.push(expected);
	return expected;
}

export const MACHINES: Operations = {
	checkpoint: [
		2,
		async (step) => {
			const { computer } = step;
			const calm = computer.calm();
			const taken = computer.snapshot();
			computer.checkpointsBegun++;
			const outcome = await step.attempt<string>("checkpoint", { label: step.token });
			const snapshot = taken();
			if (outcome.ok && calm()) computer.checkpoints.push({ id: outcome.value, snapshot, calls: [] });
			if (computer.checkpoints.length > MAX_CHECKPOINTS) computer.checkpoints.shift();
		},
	],
	checkpoints: [
		1,
		async (step) => {
			const { computer } = step;
			const calm = computer.calm();
			const [before, begun] = [[...computer.checkpoints], computer.checkpointsBegun];
			const outcome = await step.attempt<readonly string[]>("checkpoints");
			if (!outcome.ok || !calm() || begun > MAX_CHECKPOINTS || computer.checkpointsBegun !== begun) return;
			const missing = before.filter((one) => computer.checkpoints.includes(one) && !outcome.value.includes(one.id));
			if (missing.length > 0)
				throw step.violation(
					`checkpoints ${missing.map(({ id }) => id).join(", ")} of ${computer.name} are missing in ${show(outcome.value)}`,
				);
		},
	],
	removeCheckpoint: [
		0.5,
		async (step) => {
			const { computer } = step;
			const checkpoint = known(step);
			if (checkpoint === undefined) return;
			computer.checkpoints = computer.checkpoints.filter((one) => one !== checkpoint);
			for (const expected of checkpoint.calls) expected.push("not_found");
			await step.attempt("removeCheckpoint", { id: checkpoint.id }, mayBeGone(step, undefined, ["busy"]));
		},
	],
	rollback: [
		1.5,
		async (step) => {
			const { computer } = step;
			const checkpoint = known(step);
			if (checkpoint === undefined) return;
			const replaced = computer.replacing();
			const done = step.upheaval(computer);
			computer.mayBe(checkpoint.snapshot);
			const outcome = await step.attempt("rollback", { id: checkpoint.id }, mayBeGone(step, checkpoint));
			if (outcome.ok) replaced(checkpoint.snapshot);
			done(outcome.ok || outcome.code === "not_found");
		},
	],
	fork: [
		1.5,
		async (step) => {
			const { computer, other } = step;
			const checkpoint = step.random() < 0.6 ? known(step) : undefined;
			if (other === computer) return;
			const before = other.there;
			const replaced = other.replacing();
			const done = step.upheaval(other);
			const taken = checkpoint === undefined ? computer.snapshot(other) : () => checkpoint.snapshot;
			if (checkpoint !== undefined) other.mayBe(checkpoint.snapshot);
			const outcome = await step.attempt("fork", { id: checkpoint?.id, as: other.name }, mayBeGone(step, checkpoint, ["already_exists"]));
			const snapshot = taken();
			if (outcome.ok) {
				if (replaced(snapshot) && before === true && step.undisturbed())
					throw step.violation(`a fork took the name of ${other.name}, which was there`);
				other.checkpoints = [];
				other.checkpointsBegun = 0;
			}
			done(outcome.ok || outcome.code === "already_exists" || outcome.code === "not_found");
		},
	],
	diff: [
		0.5,
		async (step) => {
			const checkpoint = known(step);
			if (checkpoint !== undefined) await step.attempt("diff", { id: checkpoint.id }, mayBeGone(step, checkpoint));
		},
	],
	open: [3, async (step) => void (await step.attempt("open"))],
	look: [2, async (step) => void (await step.attempt("look"))],
	stop: [
		1,
		async (step) => {
			const done = step.upheaval(step.computer);
			const outcome = await step.attempt("stop");
			done(outcome.ok);
		},
	],
	restart: [
		1,
		async (step) => {
			const done = step.upheaval(step.computer);
			const outcome = await step.attempt("restart");
			done(outcome.ok);
		},
	],
	remove: [
		1,
		async (step) => {
			const { computer } = step;
			const replaced = computer.replacing();
			const done = step.upheaval(computer);
			computer.mayBe(NOTHING);
			computer.checkpoints = [];
			const outcome = await step.attempt("remove");
			if (outcome.ok) {
				computer.checkpointsBegun = 0;
				replaced(NOTHING);
			}
			done(outcome.ok);
		},
	],
};
