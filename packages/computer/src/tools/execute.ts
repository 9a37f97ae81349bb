import { asData } from "./data-text.js";
import { EVERYWHERE, flag, HINTS, parameters, text, tool, whole } from "./define.js";
import type { Answer, ToolCall } from "./tool.js";

const OUTPUT = {
	exitCode: whole("Missing while it runs."),
	stdout: text(),
	stderr: text(),
	running: flag(),
	job: text("Its id."),
	cwd: text(),
	durationMs: whole(),
	truncated: flag(),
};

export const execute = tool({
	name: "Execute",
	title: "Run a command",
	description:
		"Run a shell command. Directory and variables stay for the next call. One that takes longer goes on as a job whose id is in the result.",
	input: parameters({ command: text(), "timeout?": whole("seconds"), "workdir?": text() }),
	output: OUTPUT,
	hints: HINTS.RUN,
	profiles: EVERYWHERE,
	run,
});

async function run(call: ToolCall): Promise<Answer> {
	const { command, timeout, workdir } = call.args as { command: string; timeout?: number; workdir?: string };
	const { timeoutMs, maxCallMs, maxOutputBytes, session } = call.settings;
	const computer = await call.computer();
	const result = await computer.exec(command, {
		session,
		cwd: workdir,
		timeoutMs: Math.min(timeout === undefined ? timeoutMs : Math.max(1, timeout) * 1000, maxCallMs),
		onTimeout: "job",
		maxOutputBytes,
		signal: call.signal,
	});
	const ended = result.running ? `still running as job ${result.id}` : `exit code ${result.exitCode}`;
	const parts = [`${ended} after ${result.durationMs} ms, in ${result.cwd}`];
	if (result.running) parts.push(`next: ${call.say("Wait", { job: result.id })}`);
	if (result.stdout !== "") parts.push(asData("stdout", result.stdout));
	if (result.stderr !== "") parts.push(asData("stderr", result.stderr));
	const { exitCode, stdout, stderr, running, cwd, durationMs, truncated, id } = result;
	return {
		text: parts.join("\n"),
		structured: { ...(exitCode !== null && { exitCode }), stdout, stderr, running, job: id, cwd, durationMs, truncated },
	};
}
