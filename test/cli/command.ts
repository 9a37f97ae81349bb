import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { expect } from "vitest";
import type { Target } from "../support/drivers.js";
import { fromRoot } from "../support/repository.js";

/** The built one, as users have it. */
export const MAIN = fromRoot("packages/computer/dist/lms-computer.cjs");

export interface Ended {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
	readonly bytes: Buffer;
}

/** Long enough for a busy machine, short enough to say what came instead. */
const SAYS_MS = 20_000;

/** Of a test that starts a dozen processes: each takes a second or two when the machine is busy. */
export const PATIENCE_MS = 120_000;

export class Running {
	readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
	readonly ended: Promise<Ended>;
	readonly #out: Buffer[] = [];

	constructor(file: string, argv: readonly string[], env: NodeJS.ProcessEnv) {
		this.process = spawn(file, argv, { env: { ...process.env, ...env }, stdio: "pipe" });
		const errors: Buffer[] = [];
		this.process.stdout.on("data", (chunk) => this.#out.push(chunk));
		this.process.stderr.on("data", (chunk) => errors.push(chunk));
		// It may be gone before it has read all.
		this.process.stdin.on("error", () => {});
		this.ended = new Promise((resolve, reject) => {
			this.process.on("error", reject);
			this.process.on("close", (status) =>
				resolve({ status, stdout: this.stdout, stderr: Buffer.concat(errors).toString(), bytes: Buffer.concat(this.#out) }),
			);
		});
	}

	get stdout(): string {
		return Buffer.concat(this.#out).toString();
	}

	/** Until its output holds the text. */
	async says(text: string): Promise<void> {
		const late = new Promise<"late">((resolve) => setTimeout(resolve, SAYS_MS, "late").unref());
		while (!this.stdout.includes(text)) {
			const more = new Promise<"more">((resolve) => this.process.stdout.once("data", () => resolve("more")));
			const came = await Promise.race([more, this.ended, late]);
			if (came === "more" || this.stdout.includes(text)) continue;
			throw new Error(`expected it to say ${JSON.stringify(text)}, got ${JSON.stringify(came === "late" ? this.stdout : came)}`);
		}
	}
}

/** Starts it with an open standard input. */
export function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
	return new Running(process.execPath, [MAIN, ...argv], env);
}

/** Runs it to its end. */
export function cli(
	argv: readonly string[],
	{ input = "", env = {} }: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
	const running = start(argv, env);
	running.process.stdin.end(input);
	return running.ended;
}

/** The flags that name a computer of a target. */
export function at(target: Target, name: string): string[] {
	return ["--name", target.computerName(name), "--driver", target.driver];
}

/** Seconds to sleep that no other test file, and no other run on this machine, sleeps. */
export const MARK = 10_000_000 + process.pid;

/** Processes of this kernel, those in computers too, with the text in their command line. */
export async function processesWith(text: string): Promise<string[]> {
	const found: string[] = [];
	for (const pid of await readdir("/proc")) {
		if (!/^\d+$/.test(pid)) continue;
		const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
		// Not a shell or a client of ours that only speaks of it.
		if (command.trim() === text) found.push(`${pid} ${command}`);
	}
	return found;
}

export async function expectGone(text: string): Promise<void> {
	await expect.poll(() => processesWith(text), { timeout: 8_000 }).toEqual([]);
}
