/** What one client works with: a computer that is opened when it is first needed, its tools, and the calls that go on. */
import { setTimeout as sleep } from "node:timers/promises";
import { ComputerError } from "../errors/index.js";
import { type Computer, type OpenOptions, openComputer } from "../index.js";
import { DEFAULTS, SERVING } from "../limits.js";
import { Toolbox, type ToolboxOptions, type ToolResult } from "../tools/index.js";

export interface DeskOptions {
	readonly computer: OpenOptions;
	/** The protocol does not tell when a user has spoken, so there is no budget unless one is asked for. */
	readonly tools?: Omit<ToolboxOptions, "open"> | undefined;
}

export class Desk {
	readonly toolbox: Toolbox;
	/** For people. */
	readonly computerName: string;
	readonly #running = new Map<Promise<ToolResult>, AbortController>();
	readonly #listeners = new Set<() => void>();
	#opened: Computer | undefined;

	constructor({ computer, tools }: DeskOptions) {
		this.computerName = computer.name ?? DEFAULTS.name;
		this.toolbox = new Toolbox({
			callsPerTurn: 0,
			...tools,
			maxOutputBytes: tools?.maxOutputBytes ?? SERVING.outputBytes,
			open: async (options) => {
				this.#opened = await openComputer({ ...computer, ...options });
				for (const listener of this.#listeners) listener();
				return this.#opened;
			},
		});
	}

	/** Undefined until a call has needed it. */
	get opened(): Computer | undefined {
		return this.#opened;
	}

	/** When there is a computer, or another one. Until the answer is called. */
	onOpen(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	}

	/** Until `signal`, or until this is closed. */
	async call(name: string, args: unknown, { onStatus, signal }: CallOptions): Promise<ToolResult> {
		// Not AbortSignal.any: it keeps every one it made for as long as its longest source lives, in Node 20.
		const canceled = new AbortController();
		const cancel = () => canceled.abort();
		if (signal.aborted) cancel();
		signal.addEventListener("abort", cancel, { once: true });
		const running = this.toolbox.call(name, args, { onStatus, signal: canceled.signal });
		this.#running.set(running, canceled);
		try {
			return await running;
		} finally {
			this.#running.delete(running);
			signal.removeEventListener("abort", cancel);
		}
	}

	/** For what is no tool. It waits no longer than a client does; what is being made goes on. */
	async computer(): Promise<Computer> {
		const waiting = new AbortController();
		const late = sleep(SERVING.openMs, undefined, { signal: waiting.signal }).then(() => {
			throw new ComputerError("busy", "the computer is still being made", { hint: "It goes on. Ask again in a moment." });
		});
		try {
			return await Promise.race([this.toolbox.computer(), late]);
		} finally {
			waiting.abort();
		}
	}

	/** Commands that are still waited for are ended; jobs live on. */
	async close(): Promise<void> {
		for (const canceled of this.#running.values()) canceled.abort();
		const ended = Promise.allSettled([...this.#running.keys()]);
		await Promise.race([ended, sleep(SERVING.endMs, undefined, { ref: false })]);
		await this.toolbox.close();
	}
}

interface CallOptions {
	readonly signal: AbortSignal;
	readonly onStatus: (text: string) => void;
}
