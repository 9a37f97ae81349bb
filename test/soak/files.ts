import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ABSENT, bytesOf, type Content, type FileCell, hashOf } from "./model.js";
import { type ExecAnswer, FILES, FOLDER, type Operations, type Outcome, ownFile, pathOf, type Step, show, whole } from "./step.js";

const MAX_CONTENT_PIECES = 12;

interface ReadAnswer {
	readonly size: number;
	readonly hash: string;
	readonly head: string;
}

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

export const FILE_OPERATIONS: Operations = {
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
};
