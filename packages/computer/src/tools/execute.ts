/** Execute: a command in the shell that stays, never longer than a call may take. */
import { setTimeout as pause } from "node:timers/promises";
import type { Computer } from "../computer.js";
import type { ExecResult, Execution } from "../index.js";
import { TOOL_LIMITS } from "../limits.js";
import { nextLine } from "./call-text.js";
import { showLine } from "./clean.js";
import { beforeDanger } from "./danger.js";
import { EVERYWHERE, flag, HINTS, parameters, text, tool, whole } from "./define.js";
import type { Log } from "./excerpt.js";
import { jobFacts, jobNext, questionOf, showStreams } from "./jobs.js";
import { guestPath } from "./place.js";
import type { Prompt } from "./prompts.js";
import type { Answer, Link, ToolCall } from "./tool.js";
import { jobUri, STREAMS } from "./uris.js";

export const execute = tool({
	name: "Execute",
	title: "Run a command",
	description:
		"Run a shell command; directory and exported variables stay for the next call. After `timeout` seconds it goes on as a job: use Wait.",
	input: parameters({ command: text(), "timeout?": { ...whole(), minimum: 1 }, "workdir?": text() }),
	output: {
		exitCode: whole("Missing while it runs."),
		stdout: text(),
		stderr: text(),
		running: flag(),
		waitsForInput: flag(),
		job: text("The command's id."),
		cwd: text("Afterwards."),
		durationMs: whole(),
		truncated: flag(),
	},
	hints: HINTS.RUN,
	profiles: EVERYWHERE,
	run,
	otherWay: "Change the command: its output says what is wrong. Look at one part of it alone, or write a script file and run that.",
});

async function run(call: ToolCall): Promise<Answer> {
	const { command, timeout, workdir } = call.args as { command: string; timeout?: number; workdir?: string };
	const { timeoutMs, maxOutputBytes, session } = call.settings;
	const computer = await call.computer();
	const notes = await beforeDanger(call, computer, command);
	const execution = await computer.spawn(command, {
		session,
		cwd: workdir === undefined ? undefined : await guestPath(call, workdir),
		stdin: true,
		collect: true,
		timeoutMs: Math.min(timeout === undefined ? timeoutMs : timeout * 1000, call.leftMs()),
		onTimeout: "job",
		maxOutputBytes: maxOutputBytes * 4,
		signal: call.signal,
	});
	const watched = watch(call, computer, execution);
	const result = await execution.result;
	watched.stop();
	return answer(call, result, { ...watched.seen, notes });
}

interface Seen {
	/** What it asks, when that is why it is a job. */
	prompt?: Prompt;
	/** A port that it listens on, when that is why it is a job. */
	port?: number;
	/** It read its input, and got end of file. */
	fed?: boolean;
}

/** Looks at a command that takes longer: lets it go as a job when it waits for an answer or serves, and ends the input that nobody will write. */
function watch(call: ToolCall, computer: Computer, execution: Execution): { readonly seen: Seen; stop(): void } {
	const seen: Seen = {};
	const ended = new AbortController();
	const signal = call.signal === undefined ? ended.signal : AbortSignal.any([ended.signal, call.signal]);
	// Its own limit counts from its start, before which it may have waited for the shell.
	const limit = setTimeout(() => execution.detach().catch(() => {}), call.leftMs());
	const stop = () => {
		clearTimeout(limit);
		ended.abort();
	};
	execution.result.then(stop, stop);
	const look = async () => {
		await pause(TOOL_LIMITS.lookAfterMs, undefined, { signal });
		for (let written = -1; ; ) {
			const state = await computer.commands.wait(execution.id, { input: true, timeoutMs: TOOL_LIMITS.quietMs, signal });
			if (!state.running) return;
			const total = state.stdoutBytes + state.stderrBytes;
			const quiet = total === written;
			written = total;
			if (!state.readsInput && !quiet) continue;
			const prompt = await questionOf(call, computer, state);
			const port = quiet && prompt === undefined ? await portOf(computer, execution.id, signal) : undefined;
			if (prompt !== undefined || port !== undefined) {
				Object.assign(seen, { prompt, port });
				return await execution.detach({ signal });
			}
			if (state.readsInput) {
				seen.fed = true;
				return await execution.end();
			}
		}
	};
	// What goes wrong here goes wrong for the command too, or it has just ended.
	look().catch(() => {});
	return { seen, stop };
}

/** Where it serves. */
async function portOf(computer: Computer, id: string, signal: AbortSignal): Promise<number | undefined> {
	const ports = await computer.processes.ports({ signal });
	if (ports.length === 0) return undefined;
	const processes = await computer.processes.list({ signal });
	const own = new Set(processes.filter(({ commandId }) => commandId === id).map(({ pid }) => pid));
	return ports.find(({ pid }) => pid !== undefined && own.has(pid))?.port;
}

function answer(call: ToolCall, result: ExecResult, { prompt, port, fed, notes }: Seen & { readonly notes: readonly string[] }): Answer {
	const shown = showStreams(call, result.id, {
		stdout: logOf(result.stdoutBytes, result.stdoutOmittedBytes),
		stderr: logOf(result.stderrBytes, result.stderrOmittedBytes),
	});
	if (result.running) call.memory.lastJob = result.id;
	call.memory.shown.set(result.id, {
		stdout: result.stdoutBytes.length + result.stdoutOmittedBytes,
		stderr: result.stderrBytes.length + result.stderrOmittedBytes,
	});
	const lines = [...notes, headline(result, prompt, port), ...next(call, result, prompt, port)];
	if (fed) lines.push(`note: it read its input, which was empty. ${interactive(call)}`);
	if (result.shell === "exited") lines.push("note: the shell ended with it; the next command has a fresh one, in the same directory");
	if (result.shell === "killed") lines.push("note: the shell had to be killed; the next command has a fresh one, in the same directory");
	if (shown.text !== "") lines.push(shown.text);
	else if (!result.running) lines.push("(no output)");
	return {
		text: lines.join("\n"),
		structured: {
			...jobFacts(result, prompt),
			stdout: shown.stdout,
			stderr: shown.stderr,
			cwd: result.cwd,
			truncated: shown.truncated,
		},
		...(shown.truncated && { links: logLinks(result) }),
		...(result.exitCode !== null && result.exitCode !== 0 && { failed: true }),
	};
}

/** To the whole of what is shown in part. */
function logLinks({ id, stdoutBytes, stderrBytes }: ExecResult): Link[] {
	const streams = STREAMS.filter((stream) => (stream === "stdout" ? stdoutBytes : stderrBytes).length > 0);
	return streams.map((stream) => ({ uri: jobUri(id, stream), name: `${stream} of job ${id}`, mimeType: "text/plain" }));
}

function headline({ id, exitCode, running, durationMs, cwd }: ExecResult, prompt: Prompt | undefined, port: number | undefined): string {
	const seconds = `${(durationMs / 1000).toFixed(1)} s`;
	if (!running) return `exit code ${exitCode} (${seconds}, in ${showLine(cwd)})`;
	if (prompt !== undefined) return `waits for input as job "${id}": ${prompt.what}`;
	if (port !== undefined) return `runs on as job "${id}": it listens on port ${port}. The shell is free for the next command`;
	return `still running after ${seconds}, goes on as job "${id}". The shell is free for the next command`;
}

function next(call: ToolCall, { id, running }: ExecResult, prompt: Prompt | undefined, port: number | undefined): string[] {
	if (port === undefined) return jobNext(call, { id, running, readsInput: false }, prompt);
	const stop = call.say("KillBackground", { handleId: id });
	return nextLine([call.say("Execute", { command: `curl -s http://127.0.0.1:${port}/` }), "tries it"], [stop, "ends it"]);
}

function interactive(call: ToolCall): string {
	const terminal = call.say("Terminal", { command: "…" });
	return `Give a program its input with \`printf '…' | program\` or as a file${terminal === "" ? "" : `; ${terminal} runs one that talks`}.`;
}

function logOf(bytes: Uint8Array, omittedBytes: number): Log {
	if (omittedBytes === 0) return { head: bytes };
	const half = Math.ceil(bytes.length / 2);
	return { head: bytes.subarray(0, half), tail: bytes.subarray(half), omittedBytes };
}
