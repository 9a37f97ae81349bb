/**
 * Plays what small models do against tools, through any door: each transcript of test/transcripts is a list of calls as such a model makes them,
 * and of places where it does what the last result told it to. What it is for is done in the end, within a number of calls.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fromRoot } from "./repository.js";

export interface Transcript {
	readonly name: string;
	/** What such a model does. */
	readonly title: string;
	readonly profile?: "compact" | "standard" | "full";
	/** A shell command before it, with bash. */
	readonly setUp?: string;
	readonly steps: readonly Step[];
	/** A shell command whose exit status 0 is success. */
	readonly check: string;
	/** More calls than these are a failure of ours. */
	readonly maxCalls: number;
}

/** A call, or the `next:` of the last result, whose `…` the model fills in. */
type Step = ({ readonly call: readonly [string, unknown] } | { readonly follow: Readonly<Record<string, unknown>> }) & {
	/** Texts that the result has. */
	readonly says?: readonly string[];
	readonly saysNot?: readonly string[];
	readonly fails?: boolean;
	/** At most. */
	readonly maxLength?: number;
};

export interface Reply {
	readonly text: string;
	readonly isError: boolean;
}

export function transcripts(): readonly Transcript[] {
	const folder = "test/transcripts";
	const files = readdirSync(fromRoot(folder)).filter((file) => file.endsWith(".json"));
	return files.sort().map((file) => {
		const transcript = JSON.parse(readFileSync(fromRoot(folder, file), "utf8")) as Omit<Transcript, "name">;
		return { name: file.replace(".json", ""), ...transcript };
	});
}

/** Of arguments. What a result says to call next needs none. */
const REPAIR = /^note: .*(?:was read as `|has no parameter)/m;

/** @returns how many calls it took */
export async function replay(transcript: Transcript, call: (name: string, args: unknown) => Promise<Reply>): Promise<number> {
	let last = "";
	let calls = 0;
	for (const step of transcript.steps) {
		const [name, args] = "call" in step ? step.call : nextCall(last, step.follow);
		const { text, isError } = await call(name, args);
		last = text;
		calls++;
		const wrong =
			complaint(step, text, isError) ?? ("follow" in step && REPAIR.test(text) ? "what it proposed itself had to be repaired" : undefined);
		if (wrong !== undefined) throw new Error(`${transcript.name}, call ${calls}, ${name}: ${wrong}. It answered:\n${text}`);
	}
	if (calls > transcript.maxCalls) throw new Error(`${transcript.name} took ${calls} calls, not ${transcript.maxCalls}`);
	return calls;
}

function complaint({ says = [], saysNot = [], fails = false, maxLength }: Step, text: string, isError: boolean): string | undefined {
	if (isError !== fails) return fails ? "it was expected to fail" : "it was not expected to fail";
	const missing = says.find((words) => !text.includes(words));
	if (missing !== undefined) return `it was expected to say ${JSON.stringify(missing)}`;
	const present = saysNot.find((words) => text.includes(words));
	if (present !== undefined) return `it was not expected to say ${JSON.stringify(present)}`;
	return maxLength !== undefined && text.length > maxLength ? `${text.length} characters are more than ${maxLength}` : undefined;
}

/** The call that a result names first after `next:` (or in its notice of what is left out), as a model reads it. */
function nextCall(text: string, filledIn: Readonly<Record<string, unknown>>): [string, unknown] {
	const line = text.split("\n").find((one) => /^(next|note|\[\.\.\.)/.test(one) && /\b[A-Z]\w+\(/.test(one)) ?? "";
	const match = /\b([A-Z]\w+)\(/.exec(line);
	if (match === null) throw new Error(`there is no next call in:\n${text}`);
	const from = match.index + match[0].length;
	return [match[1] as string, { ...argumentsAt(line, from), ...filledIn }];
}

/** `a: 1, b: "x")`: values are JSON. */
function argumentsAt(line: string, from: number): Record<string, unknown> {
	const args: Record<string, unknown> = {};
	for (let at = from; line[at] !== ")"; ) {
		const [whole, key] = /^(?:, )?(\w+): /.exec(line.slice(at)) ?? [];
		if (whole === undefined || key === undefined) throw new Error(`${JSON.stringify(line)} is no call`);
		at += whole.length;
		let end = at + 1;
		while (parsed(line.slice(at, end)) === undefined || /[\w.]/.test(line[end] ?? "")) {
			if (end++ > line.length) throw new Error(`${JSON.stringify(line.slice(at))} is no value`);
		}
		args[key] = parsed(line.slice(at, end));
		at = end;
	}
	return args;
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
