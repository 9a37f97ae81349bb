/** What a lane does: each draws all that it decides from its own numbers before it begins, and looks whether the answer may be. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ABSENT, bytesOf, type Content, type FileCell, hashOf, type ModelComputer, type Snapshot } from "./model.js";

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string };

export interface Step {
	readonly lane: number;
	/** Unlike that of any other step. */
	readonly token: string;
	readonly computer: ModelComputer;
	/** Any, this one too. */
	readonly other: ModelComputer;
	/** Numbers from 0 to 1, from the seed alone. */
	random(): number;
	/** A failure that nothing explains is a violation, unless its code is expected. */
	attempt<T>(call: string, args?: object, expected?: readonly string[]): Promise<Outcome<T>>;
	/** Nothing was killed or stopped that this computer's calls depend on. */
	undisturbed(): boolean;
	violation(message: string): Error;
	/** A directory of this step alone. */
	readonly scratch: string;
	/** Other operations on that computer are excused from now on until it is called, and shortly after if it is uncertain. */
	upheaval(computer: ModelComputer): (certain: boolean) => void;
	/** The exported variable that this lane has set last in its session of the computer. */
	readonly exported: Map<string, { readonly value: string; readonly generation: number }>;
}

interface ExecAnswer {
	readonly stdout: string;
	readonly stderr: string;
	readonly exitCode: number | null;
	readonly reason: string;
	readonly timedOut: boolean;
	readonly shell: string;
}

interface ReadAnswer {
	readonly size: number;
	readonly hash: string;
	readonly head: string;
}

export const FILES = ["a", "b", "c", "d", "e"];
export const FOLDER = ["1", "2", "3", "4"];
const MAX_CONTENT_PIECES = 12;
/** Two fewer than the product keeps: one that was begun elsewhere may have come between. */
const MAX_CHECKPOINTS = 8;
const NOTHING: Snapshot = new Map();

export function pathOf(lane: number, file: string): string {
	return `/root/soak/${lane}/${file}`;
}

const pick = <T>(step: Step, list: readonly T[]): T => list[Math.floor(step.random() * list.length)] as T;
const whole = (step: Step, max: number) => Math.floor(step.random() * max);

/** A file of this lane, and its path. */
function ownFile(step: Step, names: readonly string[] = FILES) {
	const path = pathOf(step.lane, pick(step, names));
	return { path, cell: step.computer.file(path) };
}

async function exec(step: Step, text: string, wanted: Partial<ExecAnswer>, options: object = {}): Promise<ExecAnswer | undefined> {
	const { generation } = step.computer;
	const outcome = await step.attempt<ExecAnswer>("exec", { text, options });
	if (!outcome.ok) return undefined;
	const got = outcome.value;
	const whole = { stdout: "", stderr: "", exitCode: 0, reason: "exit", timedOut: false, ...wanted };
	for (const stream of ["stdout", "stderr"] as const) {
		// Cut short by a kill is fine; anything else in it never is.
		if (whole[stream].startsWith(got[stream])) continue;
		throw step.violation(`${stream} of ${text.slice(0, 100)}: expected ${show(whole[stream])}, got ${show(got[stream])}`);
	}
	if (!step.undisturbed() || step.computer.generation !== generation) return undefined;
	for (const [key, value] of Object.entries(whole)) {
		const is = got[key as keyof ExecAnswer];
		if (is !== value) throw step.violation(`${key} of ${text.slice(0, 100)}: expected ${show(value)}, got ${show(is)}; all: ${show(got)}`);
	}
	return got;
}

const show = (value: unknown) => {
	const text = JSON.stringify(value) ?? "undefined";
	return text.length > 300 ? `${text.slice(0, 150)} … ${text.slice(-150)} (${text.length})` : text;
};

/** A change of one file: `after` says what each content becomes. */
async function change(step: Step, cell: FileCell, after: (before: Content) => Content, run: () => Promise<Outcome<unknown>>) {
	const calm = step.computer.calm();
	const next = cell.possible.map(after);
	cell.touched++;
	cell.widen(next);
	try {
		const outcome = await run();
		if (outcome.ok && calm()) cell.settle(next);
		// It may have come after whatever else has changed the file meanwhile.
		else cell.widen(cell.possible.map(after));
	} finally {
		cell.touched++;
	}
}

function expectContent(step: Step, path: string, seen: ReadonlySet<Content>, got: ReadAnswer | undefined): Content | undefined {
	const found = [...seen].find((content) => hashOf(content) === (got?.hash ?? ABSENT));
	if (found !== undefined) return found;
	const wanted = [...seen].map((content) => show(content)).join(" or ");
	throw step.violation(`${path} on ${step.computer.name}: expected ${wanted}, got ${got === undefined ? "nothing" : show(got)}`);
}

export async function readFile(step: Step, path: string): Promise<void> {
	const cell = step.computer.file(path);
	const calm = step.computer.calm();
	const watch = cell.watch();
	const outcome = await step.attempt<ReadAnswer>("read", { path }, watch.seen.has(ABSENT) || !calm() ? ["not_found"] : []);
	watch.stop();
	if (!outcome.ok && outcome.code !== "not_found") return;
	const found = expectContent(step, path, watch.seen, outcome.ok ? outcome.value : undefined);
	if (found !== undefined && calm()) cell.settle([found]);
}

function known(step: Step) {
	const { checkpoints } = step.computer;
	return checkpoints[whole(step, checkpoints.length)];
}

/** What a checkpoint that should be there may answer: the oldest ones go. */
const mayBeGone = (step: Step): readonly string[] => (step.computer.checkpointsBegun > MAX_CHECKPOINTS ? ["not_found"] : []);

/** Weights: how often each is drawn. */
export const OPERATIONS: Readonly<Record<string, readonly [weight: number, run: (step: Step) => Promise<void>]>> = {
	exec: [
		16,
		async (step) => {
			const { token } = step;
			const exitCode = whole(step, 5);
			const session = pick(step, [`lane-${step.lane}`, "shared", "shared"]);
			const lines = Array.from({ length: whole(step, 8) }, (_, i) => `${token}-${i}\n`).join("");
			const text = `i=0; while [ $i -lt ${lines.split("\n").length - 1} ]; do echo ${token}-$i; i=$((i+1)); done; echo ${token} >&2; (exit ${exitCode})`;
			await exec(step, text, { stdout: lines, stderr: `${token}\n`, exitCode }, { session });
		},
	],
	large: [
		2,
		async (step) => {
			const lines = 1000 + whole(step, 9000);
			await exec(step, `yes ${step.token} | head -n ${lines}`, { stdout: `${step.token}\n`.repeat(lines) }, { session: "shared" });
		},
	],
	late: [
		3,
		async (step) => {
			const { token } = step;
			const text = `(sleep 0.$((${whole(step, 5)}+1)); echo late-${token}; echo late-${token} >&2) & echo ${token}`;
			await exec(step, text, { stdout: `${token}\n` }, { session: pick(step, [`lane-${step.lane}`, "shared"]) });
		},
	],
	input: [
		3,
		async (step) => {
			const text = `${step.token}\n`.repeat(1 + whole(step, 2000));
			await exec(step, "cat", { stdout: text }, { session: `lane-${step.lane}`, stdin: text });
		},
	],
	timeout: [
		2,
		async (step) => {
			const text = `echo ${step.token}; sleep 100`;
			const wanted = { stdout: `${step.token}\n`, exitCode: 124, timedOut: true, reason: "timeout" };
			await exec(step, text, wanted, { session: `lane-${step.lane}`, timeoutMs: 1000 + whole(step, 300) });
		},
	],
	exit: [
		2,
		async (step) => {
			const exitCode = whole(step, 5);
			await exec(step, `exit ${exitCode}`, { exitCode, shell: "exited" }, { session: `lane-${step.lane}` });
		},
	],
	export: [
		4,
		async (step) => {
			const { generation, name } = step.computer;
			step.exported.delete(name);
			const got = await exec(step, `export SOAK=${step.token}`, {}, { session: `lane-${step.lane}` });
			if (got !== undefined) step.exported.set(name, { value: step.token, generation });
		},
	],
	exported: [
		4,
		async (step) => {
			const was = step.exported.get(step.computer.name);
			const outcome = await step.attempt<ExecAnswer>("exec", { text: "echo $SOAK", options: { session: `lane-${step.lane}` } });
			if (!outcome.ok || was === undefined || was.generation !== step.computer.generation || !step.undisturbed()) return;
			const { stdout } = outcome.value;
			if (stdout !== `${was.value}\n`) throw step.violation(`the session's variable: expected ${was.value}, got ${show(outcome.value)}`);
		},
	],
	write: [
		10,
		async (step) => {
			const { path, cell } = ownFile(step);
			const size = step.random() < 0.1 ? whole(step, 2_000_000) : whole(step, 5000);
			const content = size === 0 ? "" : `${step.token}:${size}`;
			await change(
				step,
				cell,
				() => content,
				() => step.attempt("write", { path, content }),
			);
		},
	],
	append: [
		8,
		async (step) => {
			const { path, cell } = ownFile(step);
			const piece = `${step.token}:${1 + whole(step, 5000)}`;
			// So that what is uncertain does not grow without end.
			if (cell.possible.length > 4 || cell.possible.some((content) => content.split(" ").length > MAX_CONTENT_PIECES)) {
				await readFile(step, path);
				if (cell.possible.length > 4) return;
			}
			const after = (before: Content) =>
				before.endsWith(piece) ? before : before === ABSENT || before === "" ? piece : `${before} ${piece}`;
			await change(step, cell, after, () => step.attempt("write", { path, content: piece, append: true }));
			if (cell.possible.some((content) => content.split(" ").length > MAX_CONTENT_PIECES)) {
				await change(
					step,
					cell,
					() => "",
					() => step.attempt("write", { path, content: "" }),
				);
			}
		},
	],
	unlink: [
		2,
		async (step) => {
			const { path, cell } = ownFile(step);
			const expected = cell.possible.includes(ABSENT) || step.computer.upheavals > 0 ? ["not_found"] : [];
			await change(
				step,
				cell,
				() => ABSENT,
				() => step.attempt("unlink", { path }, expected),
			);
		},
	],
	read: [12, async (step) => readFile(step, ownFile(step, [...FILES, ...FOLDER.map((name) => `folder/${name}`)]).path)],
	/** The same file as a program in the guest sees it. */
	cat: [
		4,
		async (step) => {
			const { path, cell } = ownFile(step);
			const watch = cell.watch();
			const text = `if [ -e ${path} ]; then sha256sum <${path}; else echo absent; fi`;
			const outcome = await step.attempt<ExecAnswer>("exec", { text, options: { session: `lane-${step.lane}` } });
			watch.stop();
			if (!outcome.ok || outcome.value.reason !== "exit") return;
			const { stdout } = outcome.value;
			if (stdout === "absent\n") expectContent(step, path, watch.seen, undefined);
			else if (stdout !== "") expectContent(step, path, watch.seen, { size: 0, hash: stdout.slice(0, 64), head: stdout });
			else if (step.undisturbed()) throw step.violation(`sha256sum of ${path}: ${show(outcome.value)}`);
		},
	],
	upload: [
		2,
		async (step) => {
			const from = join(step.scratch, "up");
			mkdirSync(from);
			const contents = FOLDER.map((name) => [name, `${step.token}-${name}:${1 + whole(step, 60_000)}`] as const);
			for (const [name, content] of contents) writeFileSync(join(from, name), bytesOf(content));
			const run = (list: typeof contents): Promise<Outcome<unknown>> => {
				const [first, ...rest] = list;
				if (first === undefined) return step.attempt("upload", { from, to: pathOf(step.lane, "folder") });
				let outcome: Outcome<unknown> = { ok: false, code: "" };
				const cell = step.computer.file(pathOf(step.lane, `folder/${first[0]}`));
				return change(
					step,
					cell,
					() => first[1],
					async () => (outcome = await run(rest)),
				).then(() => outcome);
			};
			await run(contents);
		},
	],
	download: [
		2,
		async (step) => {
			const to = join(step.scratch, "down");
			const cells = FOLDER.map((name) => [name, step.computer.file(pathOf(step.lane, `folder/${name}`)).watch()] as const);
			const outcome = await step.attempt("download", { from: pathOf(step.lane, "folder"), to }, ["not_found"]);
			for (const [, watch] of cells) watch.stop();
			if (!outcome.ok) {
				if (outcome.code === "not_found" && step.undisturbed() && !cells.some(([, { seen }]) => seen.has(ABSENT))) {
					throw step.violation("a folder that was uploaded is not found");
				}
				return;
			}
			const there = readdirSync(to);
			for (const [name, { seen }] of cells) {
				const bytes = there.includes(name) ? readFileSync(join(to, name)) : undefined;
				const found = [...seen].some((content) => (content === ABSENT ? bytes === undefined : bytes?.equals(bytesOf(content))));
				if (!found)
					throw step.violation(
						`folder/${name} as it was downloaded: expected ${[...seen].map(show).join(" or ")}, got ${show(bytes?.toString("latin1", 0, 60))}`,
					);
			}
		},
	],
	job: [
		4,
		async (step) => {
			const { computer, lane, token } = step;
			const { generation } = computer;
			const [seconds, exitCode] = [whole(step, 3), whole(step, 5)];
			const text = `echo ${token}; sleep ${seconds}.2; echo ${token}-end; exit ${exitCode}`;
			const outcome = await step.attempt<string>("start", { text, options: { session: `lane-${lane}` } });
			if (!outcome.ok || computer.generation !== generation) return;
			computer.jobs.push({ id: outcome.value, lane, generation, stdout: `${token}\n${token}-end\n`, exitCode });
		},
	],
	jobEnd: [
		4,
		async (step) => {
			const { computer } = step;
			const kill = step.random() < 0.3;
			const job = computer.jobs.find(({ lane }) => lane === step.lane);
			if (job === undefined) return;
			computer.jobs = computer.jobs.filter((one) => one !== job);
			const same = () => job.generation === computer.generation && step.undisturbed();
			const expected = same() ? [] : ["not_found"];
			type State = ExecAnswer & { readonly running: boolean };
			const outcome = await step.attempt<State>(kill ? "kill" : "wait", { id: job.id }, expected);
			if (!outcome.ok || kill || !same()) return;
			const { running, exitCode, stdout } = outcome.value;
			if (running || exitCode !== job.exitCode || stdout !== job.stdout)
				throw step.violation(`job: expected ${show(job)}, got ${show(outcome.value)}`);
		},
	],
	checkpoint: [
		2,
		async (step) => {
			const { computer } = step;
			const calm = computer.calm();
			const taken = computer.snapshot();
			computer.checkpointsBegun++;
			const outcome = await step.attempt<string>("checkpoint", { label: step.token });
			const snapshot = taken();
			if (outcome.ok && calm()) computer.checkpoints.push({ id: outcome.value, snapshot });
			if (computer.checkpoints.length > MAX_CHECKPOINTS) computer.checkpoints.shift();
		},
	],
	checkpoints: [
		1,
		async (step) => {
			const { computer } = step;
			const calm = computer.calm();
			const [before, begun] = [computer.checkpoints, computer.checkpointsBegun];
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
			await step.attempt("removeCheckpoint", { id: checkpoint.id }, ["busy", ...mayBeGone(step)]);
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
			const outcome = await step.attempt("rollback", { id: checkpoint.id }, mayBeGone(step));
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
			const outcome = await step.attempt("fork", { id: checkpoint?.id, as: other.name }, ["already_exists", ...mayBeGone(step)]);
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
			if (checkpoint !== undefined) await step.attempt("diff", { id: checkpoint.id }, mayBeGone(step));
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

/** Every scratch directory goes, whatever came of the step. */
export function clearScratch(step: Step): void {
	rmSync(step.scratch, { recursive: true, force: true });
}
