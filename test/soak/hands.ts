/** A host process of the run, which is made anew by the first call after its death. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { OpenOptions } from "lms-computer";
import { fromRoot } from "../support/repository.js";

/** What a call rejects with: the computer's error, or `killed`, or `hang`. */
export class CallFailed extends Error {
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.name = "CallFailed";
		this.code = code;
	}
}

interface Answer {
	readonly id: number;
	readonly value?: unknown;
	readonly error?: { readonly name: string; readonly code?: string; readonly message: string; readonly stack: string };
}

interface Pending {
	resolve(value: unknown): void;
	reject(error: CallFailed): void;
}

interface HandProgram {
	/** Beside this file. Default hand.mjs. */
	readonly program?: string;
	readonly execArgv?: readonly string[];
	/** Beyond this process's own. */
	readonly env?: Readonly<Record<string, string>>;
}

export class Hand {
	readonly options: OpenOptions;
	readonly #program: HandProgram;
	readonly #pending = new Map<number, Pending>();
	#child: ChildProcess | undefined;
	#ready: Promise<ChildProcess> | undefined;
	#count = 0;
	/** Is told what a user of the computers would be. */
	onNotice: (notice: string) => void = () => {};

	constructor(options: OpenOptions, program: HandProgram = {}) {
		this.options = options;
		this.#program = program;
	}

	/** @param hangMs no call may take longer than this */
	async call<T>(call: string, args: object, hangMs: number): Promise<T> {
		const child = await this.#live();
		const id = ++this.#count;
		return await new Promise<T>((resolve, reject) => {
			const timer = setTimeout(() => settle(() => reject(new CallFailed("hang", `no end within ${hangMs} ms`))), hangMs);
			const settle = (then: () => void) => {
				clearTimeout(timer);
				this.#pending.delete(id);
				then();
			};
			this.#pending.set(id, {
				resolve: (value) => settle(() => resolve(value as T)),
				reject: (error) => settle(() => reject(error)),
			});
			// Of one that has just been killed its end tells, and rejects.
			child.send({ id, call, args }, () => {});
		});
	}

	get pid(): number | undefined {
		return this.#child?.pid;
	}

	kill(): void {
		this.#child?.kill("SIGKILL");
	}

	/** Closes all that it holds. Answers what kept it from ending, if something did. */
	async end(deadlineMs: number): Promise<string | undefined> {
		const child = this.#child;
		if (child === undefined) return undefined;
		const exited = once(child, "exit");
		await this.call("end", {}, deadlineMs).catch(() => {});
		const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
		const [code, signal] = await exited;
		clearTimeout(timer);
		return code === 0 ? undefined : `a host process did not end by itself: ${signal ?? `exit code ${code}`}`;
	}

	#live(): Promise<ChildProcess> {
		this.#ready ??= this.#begin();
		return this.#ready;
	}

	async #begin(): Promise<ChildProcess> {
		const { program = "hand.mjs", execArgv = [], env = {} } = this.#program;
		const child = fork(fromRoot("test/soak", program), [JSON.stringify(this.options)], {
			cwd: fromRoot("."),
			execArgv: [...execArgv],
			env: { ...process.env, ...env },
		});
		this.#child = child;
		return await new Promise((resolve, reject) => {
			child.on("message", (message: Answer | { readonly ready: true } | { readonly notice: string }) => {
				if ("ready" in message) return resolve(child);
				if ("notice" in message) return this.onNotice(message.notice);
				const pending = this.#pending.get(message.id);
				const { error } = message;
				if (error === undefined) return pending?.resolve(message.value);
				// What is not a ComputerError is a defect by itself.
				const untyped = error.name !== "ComputerError" || error.code === undefined;
				pending?.reject(new CallFailed(untyped ? "untyped" : (error.code ?? ""), untyped ? error.stack : error.message));
			});
			child.once("exit", (code, signal) => {
				this.#child = undefined;
				this.#ready = undefined;
				const how = new CallFailed(signal === "SIGKILL" ? "killed" : "died", `the host process ended: ${signal ?? `exit code ${code}`}`);
				reject(how);
				for (const { reject } of [...this.#pending.values()]) reject(how);
			});
		});
	}
}
