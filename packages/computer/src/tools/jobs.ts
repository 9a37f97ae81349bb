/** Jobs as a model sees them: what is new, whether it runs, and what to do next. */
import type { Computer } from "../computer.js";
import type { CommandState } from "../index.js";
import { nextLine } from "./call-text.js";
import { cleanLine } from "./clean.js";
import { asData } from "./data-text.js";
import { excerpt, type Log } from "./excerpt.js";
import type { Offsets } from "./memory.js";
import { type Prompt, promptIn } from "./prompts.js";
import type { Answer, ToolCall } from "./tool.js";
import { STREAMS } from "./uris.js";

export type StreamName = "stdout" | "stderr";

/** Raw bytes looked at for each byte shown: progress lines shrink. */
const RAW_FACTOR = 4;
/** The end of a log in which a question may stand. */
const PROMPT_BYTES = 2048;

export interface Streams {
	readonly stdout: Log;
	readonly stderr: Log;
}

export interface Shown {
	readonly stdout: string;
	readonly stderr: string;
	readonly truncated: boolean;
	/** The streams that have any, marked as data. */
	readonly text: string;
}

/** Both streams within the budget of one result. stderr is short as a rule, and gets what it needs up to half. */
export function showStreams(call: ToolCall, id: string, streams: Streams): Shown {
	const { maxOutputBytes: bytes, maxOutputTokens: tokens } = call.settings;
	const notice = (stream: StreamName) => (missing: number, offset: number) => {
		const rest = call.say("ReadProcessLogs", { handleId: id, fromOffset: offset, ...(stream === "stderr" && { stream }) });
		return `[... ${missing} bytes of ${stream} are not shown${rest === "" ? "" : `. ${rest} shows them`} ...]`;
	};
	const both = sizeOf(streams.stdout) > 0 && sizeOf(streams.stderr) > 0;
	const stderr = excerpt(streams.stderr, both ? { bytes: bytes / 2, tokens: tokens / 2 } : { bytes, tokens }, cleanLine, notice("stderr"));
	const share = both ? Math.max(0.5, 1 - Buffer.byteLength(stderr.text) / bytes) : 1;
	const stdout = excerpt(streams.stdout, { bytes: bytes * share, tokens: tokens * share }, cleanLine, notice("stdout"));
	const parts = [stdout.text === "" ? "" : asData("stdout", stdout.text), stderr.text === "" ? "" : asData("stderr", stderr.text)];
	return {
		stdout: stdout.text,
		stderr: stderr.text,
		truncated: stdout.truncated || stderr.truncated,
		text: parts.filter((part) => part !== "").join("\n"),
	};
}

function sizeOf({ head, tail, omittedBytes = 0 }: Log): number {
	return head.length + omittedBytes + (tail?.length ?? 0);
}

function endOf(log: Log): number {
	return (log.offset ?? 0) + sizeOf(log);
}

/** What both streams have from there on: all of it, or its two ends. */
async function readStreams(call: ToolCall, computer: Computer, id: string, from: Offsets): Promise<Streams> {
	const [stdout, stderr] = await Promise.all(
		(["stdout", "stderr"] as const).map((stream) => readEnds(call, computer, id, stream, from[stream])),
	);
	return { stdout: stdout as Log, stderr: stderr as Log };
}

async function readEnds(call: ToolCall, computer: Computer, id: string, stream: StreamName, from: number): Promise<Log> {
	const length = call.settings.maxOutputBytes * RAW_FACTOR;
	const options = { stream, length, signal: call.signal };
	const first = await computer.commands.output(id, { ...options, offset: from });
	const end = first.offset + first.bytes.length;
	// An id that was counted anew after a restart.
	if (first.totalBytes < from) return await readEnds(call, computer, id, stream, 0);
	if (first.totalBytes <= end) return { head: first.bytes, offset: first.offset };
	const last = await computer.commands.output(id, { ...options, offset: Math.max(end, first.totalBytes - length) });
	return { head: first.bytes, tail: last.bytes, omittedBytes: last.offset - end, offset: first.offset };
}

/** The question that a command asks, by the end of what it wrote. */
export async function questionOf(
	call: ToolCall,
	computer: Computer,
	{ id, stdoutBytes, stderrBytes, readsInput }: CommandState,
): Promise<Prompt | undefined> {
	for (const [stream, total] of [
		["stderr", stderrBytes],
		["stdout", stdoutBytes],
	] as const) {
		const offset = Math.max(0, total - PROMPT_BYTES);
		if (total === 0) continue;
		const { bytes } = await computer.commands.output(id, { stream, offset, signal: call.signal });
		const cleaned = bytes.toString("utf8").split("\n").map(cleanLine).join("\n");
		const prompt = promptIn(cleaned, readsInput);
		if (prompt !== undefined) return prompt;
	}
	return undefined;
}

/** What a job has done since it was last shown, and what to do next. */
export async function jobAnswer(call: ToolCall, computer: Computer, state: CommandState, prompt: Prompt | undefined): Promise<Answer> {
	const { id } = state;
	const streams = await readStreams(call, computer, id, call.memory.shown.get(id) ?? { stdout: 0, stderr: 0 });
	const shown = showStreams(call, id, streams);
	// By what was read: it may have written more since its state was asked for.
	call.memory.shown.set(id, { stdout: endOf(streams.stdout), stderr: endOf(streams.stderr) });
	const before = STREAMS.find((stream) => state[`${stream}Bytes`] > 0);
	const all = call.say("ReadProcessLogs", { handleId: id, fromOffset: 0, ...(before === "stderr" && { stream: before }) });
	const nothing = `nothing new was written${before === undefined || all === "" ? "" : `; ${all} shows what was before`}`;
	const text = [jobLine(state, prompt), ...jobNext(call, state, prompt), shown.text === "" ? nothing : shown.text].join("\n");
	return { text, structured: { ...jobFacts(state, prompt), stdout: shown.stdout, stderr: shown.stderr, truncated: shown.truncated } };
}

function jobLine({ id, running, exitCode, durationMs, timedOut }: CommandState, prompt: Prompt | undefined): string {
	const seconds = `${(durationMs / 1000).toFixed(1)} s`;
	if (prompt !== undefined) return `job "${id}" waits for input: ${prompt.what}`;
	if (running) return `job "${id}" is still running, since ${seconds}`;
	return `job "${id}" ended with exit code ${exitCode} after ${seconds}${timedOut ? ": its time was over" : ""}`;
}

/** The lines that say what to do. */
export function jobNext(
	call: ToolCall,
	{ id, running, readsInput }: Pick<CommandState, "id" | "running" | "readsInput">,
	prompt: Prompt | undefined,
): string[] {
	if (!running) return [];
	if (prompt === undefined && !readsInput) return nextLine([call.say("Wait", { job: id })]);
	const answer = call.say("SendInput", { job: id, text: prompt?.answer ?? "…" });
	const stop = call.say("KillBackground", { handleId: id });
	return [
		...nextLine([answer, "answers it"], [stop, "ends it"]),
		...(prompt === undefined ? [] : [`hint: to avoid the question: ${prompt.avoid}`]),
	];
}

export function jobFacts(
	{ id, running, exitCode, durationMs }: Pick<CommandState, "id" | "running" | "exitCode" | "durationMs">,
	prompt: Prompt | undefined,
): Record<string, unknown> {
	return { job: id, running, ...(exitCode !== null && { exitCode }), durationMs, waitsForInput: prompt !== undefined };
}
