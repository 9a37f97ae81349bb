/** Runs the agent's own `boot` commands: JSON on stdin, one line of JSON back. The one program that this driver starts. */
import { spawn } from "node:child_process";
import { ComputerError, ERROR_CODES, type ErrorCode } from "../../errors/index.js";
import { cancellation, within } from "./deadline.js";

const MAX_ANSWER_BYTES = 1024 * 1024;

export type Command = readonly ["boot"] | readonly ["boot", "probe" | "remove" | "copy" | "erase" | "size"];

export interface RunOptions {
	readonly signal?: AbortSignal | undefined;
	readonly deadlineMs: number;
}

/**
 * The answer of `agent boot …`. `boot` itself lives on afterwards as the machine's supervisor, in a session of its own; when it is
 * aborted or late, it is told to end and has ended when this rejects.
 */
export async function runAgent(path: string, command: Command, input: unknown, options: RunOptions): Promise<Record<string, unknown>> {
	const deadline = within(options.deadlineMs, `an answer to \`agent ${command.join(" ")}\``, options.signal);
	if (deadline.signal.aborted) {
		deadline.done();
		throw cancellation(deadline.signal);
	}
	const child = spawn(path, command, { cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe"], detached: true });
	const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
	let complaint = "";
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		complaint = (complaint + text).slice(0, 2000);
	});
	child.stdin.on("error", () => {}); // it died; its end says so
	child.stdin.end(JSON.stringify(input));
	const stopped = new Promise<never>((_, reject) => {
		deadline.signal.addEventListener("abort", () => reject(cancellation(deadline.signal)), { once: true });
	});
	try {
		const line = await Promise.race([firstLine(child.stdout), new Promise<never>((_, reject) => child.once("error", reject)), stopped]);
		return answer(line, complaint.trim());
	} catch (error) {
		if (child.pid !== undefined) {
			child.kill("SIGTERM");
			await ended;
		}
		throw error instanceof ComputerError ? error : startFailure(path, error);
	} finally {
		deadline.done();
		child.stdout.destroy();
		child.stderr.destroy();
		child.unref();
	}
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
	let text = "";
	for await (const chunk of stream.setEncoding("utf8")) {
		text += chunk;
		const end = text.indexOf("\n");
		if (end >= 0) return text.slice(0, end);
		if (text.length > MAX_ANSWER_BYTES) break;
	}
	return text;
}

function answer(line: string, complaint: string): Record<string, unknown> {
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch (cause) {
		throw new ComputerError(
			"machine_failed",
			`The agent was expected to answer in JSON and ended with: ${complaint || line || "nothing"}`,
			{ cause },
		);
	}
	const said = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
	if (said["status"] !== "failed") return said;
	const hint = said["hint"];
	throw new ComputerError(errorCode(said["code"]), String(said["message"]), {
		...(typeof hint === "string" && hint !== "" ? { hint } : {}),
		context: { driver: "namespace" },
	});
}

function errorCode(code: unknown): ErrorCode {
	return ERROR_CODES.find((known) => known === code) ?? "machine_failed";
}

function startFailure(path: string, cause: unknown): ComputerError {
	return new ComputerError("driver_unavailable", `The agent ${path} was expected to run on this host: ${String(cause)}`, {
		cause,
		hint: "Reinstall lms-computer, or run `npm run build` in a checkout.",
		context: { driver: "namespace", path },
	});
}
