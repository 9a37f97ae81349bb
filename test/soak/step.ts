/** One operation of a lane: what it draws from, and how it looks whether an answer may be. */
import type { ModelComputer } from "./model.js";

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

export interface ExecAnswer {
	readonly id: string;
	readonly stdout: string;
	readonly stderr: string;
	readonly exitCode: number | null;
	readonly reason: string;
	readonly timedOut: boolean;
	readonly shell: string;
}

export const FILES = ["a", "b", "c", "d", "e"];
export const FOLDER = ["1", "2", "3", "4"];

export function pathOf(lane: number, file: string): string {
	return `/root/soak/${lane}/${file}`;
}

export const pick = <T>(step: Step, list: readonly T[]): T => list[Math.floor(step.random() * list.length)] as T;
export const whole = (step: Step, max: number) => Math.floor(step.random() * max);

/** A file of this lane, and its path. */
export function ownFile(step: Step, names: readonly string[] = FILES) {
	const path = pathOf(step.lane, pick(step, names));
	return { path, cell: step.computer.file(path) };
}

/** What a shell says whose machine somebody else is removing: its files go while it still runs. */
const FILES_GONE = /^\/run\/lms\/.*: line \d+: .*(?:not found|nonexistent directory|No such file or directory)\n/gm;
/** And what is told of its output then: there is no place left to keep it, as on a full disk. */
const NO_PLACE = /\n\[\.\.\. \d+ bytes omitted; .*\]\n$/;

function said(stream: "stdout" | "stderr", got: ExecAnswer, disturbed: boolean): string {
	if (!disturbed) return got[stream];
	const text = got[stream].replace(NO_PLACE, "");
	return stream === "stderr" ? text.replace(FILES_GONE, "") : text;
}

export async function exec(step: Step, text: string, wanted: Partial<ExecAnswer>, options: object = {}): Promise<ExecAnswer | undefined> {
	const { generation } = step.computer;
	const outcome = await step.attempt<ExecAnswer>("exec", { text, options });
	if (!outcome.ok) return undefined;
	const got = outcome.value;
	const whole = { stdout: "", stderr: "", exitCode: 0, reason: "exit", timedOut: false, ...wanted };
	for (const stream of ["stdout", "stderr"] as const) {
		// Cut short by a kill is fine; anything else in it never is.
		if (whole[stream].startsWith(said(stream, got, !step.undisturbed()))) continue;
		throw step.violation(`${stream} of ${text.slice(0, 100)}: expected ${show(whole[stream])}, got ${show(got[stream])}`);
	}
	if (!step.undisturbed() || step.computer.generation !== generation || killedAsAnother(step.computer, got)) return undefined;
	for (const [key, value] of Object.entries(whole)) {
		const is = got[key as keyof ExecAnswer];
		if (is !== value) throw step.violation(`${key} of ${text.slice(0, 100)}: expected ${show(value)}, got ${show(is)}; all: ${show(got)}`);
	}
	return got;
}

/** A lane meant one of its jobs from before a restart, whose id this command has now. */
export function killedAsAnother({ killed }: ModelComputer, { id, reason }: ExecAnswer): boolean {
	return reason === "killed" && killed.has(id);
}

export const show = (value: unknown) => {
	const text = JSON.stringify(value) ?? "undefined";
	return text.length > 300 ? `${text.slice(0, 150)} … ${text.slice(-150)} (${text.length})` : text;
};

/** By name: how often each is drawn, and what it does. It draws all that it decides before it begins. */
export type Operations = Readonly<Record<string, readonly [weight: number, run: (step: Step) => Promise<void>]>>;
