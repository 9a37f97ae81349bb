/** Commands that outlive their call: started, waited for, read, answered, ended. */
import type { Computer } from "../computer.js";
import { ComputerError, isComputerError } from "../errors/index.js";
import type { CommandState } from "../index.js";
import { BOUNDS, TOOL_LIMITS } from "../limits.js";
import { cleanLine } from "./clean.js";
import { beforeDanger } from "./danger.js";
import { asData } from "./data-text.js";
import { FULL, flag, HINTS, parameters, STANDARD, text, tool, whole } from "./define.js";
import { excerpt } from "./excerpt.js";
import { ToolFailure } from "./failure.js";
import { jobAnswer, jobFacts, questionOf, type StreamName } from "./jobs.js";
import type { Answer, ToolCall } from "./tool.js";

const JOB = {
	job: text(),
	running: flag(),
	exitCode: whole("Missing while it runs."),
	durationMs: whole(),
	waitsForInput: flag(),
	stdout: text("What is new."),
	stderr: text(),
	truncated: flag(),
};

export const executeBackground = tool({
	name: "ExecuteBackground",
	title: "Start a job",
	description: "Start a command that runs on by itself, such as a server. The result has its handleId. `timeout` seconds end it.",
	// With a maximum no number is taken for milliseconds: a server of a day must not end after 86 s.
	input: parameters({ command: text(), "timeout?": { ...whole(), minimum: 1, maximum: BOUNDS.timeoutMs.max / 1000 } }),
	output: { handleId: text(), ...JOB },
	hints: HINTS.RUN,
	profiles: STANDARD,
	run: start,
});

export const readProcessLogs = tool({
	name: "ReadProcessLogs",
	title: "Read a job's output",
	description: "Output of a job or earlier command: what is new, or from a byte on.",
	input: parameters({ handleId: text(), "fromOffset?": { ...whole(), minimum: 0 }, "stream?": { ...text(), enum: ["stdout", "stderr"] } }),
	output: { ...JOB, content: text(), offset: whole(), nextOffset: whole(), totalBytes: whole() },
	hints: HINTS.READ,
	profiles: STANDARD,
	run: read,
});

export const wait = tool({
	name: "Wait",
	title: "Wait for a job",
	description: "Wait for a job to end or to ask for input, as long as a call may take; shows its new output.",
	input: parameters({ job: text(), "seconds?": { ...whole(), minimum: 1 } }),
	output: JOB,
	hints: HINTS.READ,
	profiles: STANDARD,
	run: waitFor,
});

export const sendInput = tool({
	name: "SendInput",
	title: "Answer a job",
	description: "Write a line to a job that waits for input, and show what it does then. `end`: no more will come.",
	input: parameters({ job: text(), text: text(), "end?": flag() }),
	output: JOB,
	hints: HINTS.RUN,
	profiles: STANDARD,
	run: send,
});

export const killBackground = tool({
	name: "KillBackground",
	title: "End a job",
	description: "End a job with all it started.",
	input: parameters({ handleId: text() }),
	output: JOB,
	hints: HINTS.REPLACE,
	profiles: STANDARD,
	run: kill,
});

export const killProcess = tool({
	name: "KillProcess",
	title: "Signal a process",
	description: "Send a signal (default TERM) to a process.",
	input: parameters({ pid: { ...whole(), minimum: 1 }, "signal?": text() }),
	output: { pid: whole(), signal: text() },
	hints: HINTS.REPLACE,
	profiles: FULL,
	run: signalProcess,
});

async function start(call: ToolCall): Promise<Answer> {
	const { command, timeout } = call.args as { command: string; timeout?: number };
	const computer = await call.computer();
	const notes = await beforeDanger(call, computer, command);
	const { id } = await computer.commands.start(command, {
		session: call.settings.session,
		stdin: true,
		timeoutMs: timeout === undefined ? undefined : timeout * 1000,
		signal: call.signal,
	});
	call.memory.lastJob = id;
	// Another job may have had its id, before the machine was restarted from outside.
	call.memory.shown.delete(id);
	// What fails at once is told at once.
	const answer = noted(notes, await waited(call, computer, id, TOOL_LIMITS.startMs));
	return { ...answer, structured: { ...answer.structured, handleId: id } };
}

/** The job of that id. Where it is plain which one is meant, any other word is taken for it, unless it is to be ended. */
async function jobNamed(
	call: ToolCall,
	computer: Computer,
	id: string,
	guess: boolean,
): Promise<{ readonly state: CommandState; readonly notes: readonly string[] }> {
	const { signal } = call;
	try {
		return { state: await computer.commands.get(id, { signal }), notes: [] };
	} catch (error) {
		// What can be no id is refused before anybody is asked.
		if (!isComputerError(error, "not_found") && !isComputerError(error, "invalid_argument")) throw error;
	}
	const all = await computer.commands.list({ signal });
	const running = all.filter((one) => one.running);
	const [newest] = running.toReversed();
	const shown = JSON.stringify(id.slice(0, 40));
	const meant = running.length === 1 ? newest : all.find((one) => one.id === call.memory.lastJob && running.length === 0);
	if (guess && meant !== undefined)
		return { state: meant, notes: [`note: there is no job ${shown}; it was read as "${meant.id}", the last one`] };
	const list = running.map((one) => `"${one.id}"`).join(", ");
	throw new ToolFailure({
		code: "not_found",
		message: `there is no job ${shown}`,
		hint: running.length === 0 ? "No job is running." : `Running: ${list}.`,
		next:
			newest === undefined
				? call.say("ComputerStatus")
				: call.say(guess ? "Wait" : "KillBackground", { [guess ? "job" : "handleId"]: newest.id }),
	});
}

async function waitFor(call: ToolCall): Promise<Answer> {
	const { job, seconds } = call.args as { job: string; seconds?: number };
	const computer = await call.computer();
	const { state, notes } = await jobNamed(call, computer, job, true);
	return noted(
		notes,
		await waited(call, computer, state.id, Math.min(seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000, call.leftMs())),
	);
}

function noted(notes: readonly string[], answer: Answer): Answer {
	return { ...answer, text: [...notes, answer.text].join("\n") };
}

async function send(call: ToolCall): Promise<Answer> {
	const { job, text: line, end = false } = call.args as { job: string; text: string; end?: boolean };
	const computer = await call.computer();
	const { state: before, notes } = await jobNamed(call, computer, job, true);
	const { id } = before;
	if (!before.running)
		return noted(["note: it has ended and reads nothing any more", ...notes], await jobAnswer(call, computer, before, undefined));
	// An end alone is no empty line before it.
	const input = line.endsWith("\n") || (end && line === "") ? line : `${line}\n`;
	await computer.commands.sendInput(id, input, { end, signal: call.signal });
	return noted(notes, await waited(call, computer, id, TOOL_LIMITS.answerMs, before.stdoutBytes + before.stderrBytes));
}

async function kill(call: ToolCall): Promise<Answer> {
	const computer = await call.computer();
	const { state } = await jobNamed(call, computer, call.args["handleId"] as string, false);
	return await jobAnswer(call, computer, await computer.commands.kill(state.id, { signal: call.signal }), undefined);
}

/**
 * Waits until it ends, asks, or the time is over. A question of a program that polls its input shows in quiet output alone.
 * @param shown bytes of output beyond which quiet is an answer, too
 */
async function waited(call: ToolCall, computer: Computer, id: string, timeoutMs: number, shown = -1): Promise<Answer> {
	const deadline = Date.now() + timeoutMs;
	for (let written = -1; ; ) {
		const leftMs = deadline - Date.now();
		const state = await computer.commands.wait(id, {
			input: true,
			timeoutMs: Math.max(1, Math.min(leftMs, TOOL_LIMITS.quietMs)),
			signal: call.signal,
		});
		if (!state.running) return await jobAnswer(call, computer, state, undefined);
		const total = state.stdoutBytes + state.stderrBytes;
		const prompt = state.readsInput || total === written ? await questionOf(call, computer, state) : undefined;
		const before = written;
		written = total;
		if (shown >= 0 && total === before && total > shown) return await jobAnswer(call, computer, state, prompt);
		if (prompt !== undefined || state.readsInput || leftMs <= TOOL_LIMITS.quietMs) return await jobAnswer(call, computer, state, prompt);
	}
}

async function read(call: ToolCall): Promise<Answer> {
	const { handleId, fromOffset, stream = "stdout" } = call.args as { handleId: string; fromOffset?: number; stream?: StreamName };
	const computer = await call.computer();
	const { state, notes } = await jobNamed(call, computer, handleId, true);
	const { id } = state;
	if (fromOffset === undefined && call.args["stream"] === undefined) {
		return noted(notes, await jobAnswer(call, computer, state, state.running ? await questionOf(call, computer, state) : undefined));
	}
	const { maxOutputBytes: bytes, maxOutputTokens: tokens } = call.settings;
	const part = await computer.commands.output(id, { stream, offset: fromOffset ?? 0, length: bytes, signal: call.signal });
	// Whole lines, where there is more than these.
	const cut = part.offset + part.bytes.length < part.totalBytes ? part.bytes.lastIndexOf(0x0a) + 1 : 0;
	const head = cut > 0 ? part.bytes.subarray(0, cut) : part.bytes;
	const shown = excerpt({ head, offset: part.offset }, { bytes, tokens }, cleanLine, () => "[...]", 1);
	const more = shown.nextOffset < part.totalBytes;
	const lines = [
		...notes,
		`${stream} of job "${id}", bytes ${part.offset} to ${shown.nextOffset} of ${part.totalBytes}`,
		...(more ? [`next: ${call.say("ReadProcessLogs", { handleId: id, fromOffset: shown.nextOffset, stream })}`] : []),
		asData(stream, shown.text),
	];
	return {
		text: lines.join("\n"),
		structured: {
			...jobFacts(state, undefined),
			content: shown.text,
			offset: part.offset,
			nextOffset: shown.nextOffset,
			totalBytes: part.totalBytes,
			truncated: more,
		},
	};
}

async function signalProcess(call: ToolCall): Promise<Answer> {
	const { pid, signal: name = "TERM" } = call.args as { pid: number; signal?: string };
	const signalName = name.toUpperCase().replace(/^SIG/, "");
	const numbers: Readonly<Record<string, string>> = { "1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "15": "TERM" };
	const computer = await call.computer();
	const known = numbers[signalName] ?? signalName;
	if (pid === 1) throw new ComputerError("permission_denied", "process 1 is the computer itself");
	await computer.processes.kill(pid, { signalName: known, signal: call.signal });
	return { text: `sent ${known} to process ${pid}`, structured: { pid, signal: known } };
}
