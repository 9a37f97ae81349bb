/** What one client works with: a computer that is opened when it is first needed, its tools, and the calls that go on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Computer, OpenOptions } from "../index.js";
import { DEFAULTS, SERVING } from "../limits.js";
import { Toolbox, type ToolboxOptions, type ToolResult } from "../tools/index.js";
import { PatientOpen } from "./patient-open.js";

export interface DeskOptions {
	readonly computer: OpenOptions;
	/** The protocol does not tell when a user has spoken, so there is no budget unless one is asked for. */
	readonly tools?: Omit<ToolboxOptions, "open"> | undefined;
}

export class Desk {
	readonly toolbox: Toolbox;
	/** For people. */
	readonly computerName: string;
	readonly #opening: PatientOpen;
	readonly #running = new Set<Promise<ToolResult>>();
	readonly #end = new AbortController();
	#opened: Computer | undefined;

	constructor({ computer, tools }: DeskOptions) {
		this.computerName = computer.name ?? DEFAULTS.name;
		this.#opening = new PatientOpen(computer, SERVING.openMs);
		this.toolbox = new Toolbox({
			callsPerTurn: 0,
			...tools,
			// Not ended by the one call that began it: others wait for the same computer.
			open: async ({ onProgress }) => {
				this.#opened = await this.#opening.open({ onProgress });
				return this.#opened;
			},
		});
	}

	/** Undefined until a call has needed it. */
	get opened(): Computer | undefined {
		return this.#opened;
	}

	async call(
		name: string,
		args: unknown,
		{ onStatus, signal }: { signal: AbortSignal; onStatus: (text: string) => void },
	): Promise<ToolResult> {
		const running = this.toolbox.call(name, args, { onStatus, signal: AbortSignal.any([signal, this.#end.signal]) });
		this.#running.add(running);
		return running.finally(() => this.#running.delete(running));
	}

	/** Commands that are still waited for are ended; jobs live on. */
	async close(): Promise<void> {
		this.#end.abort();
		await Promise.race([Promise.allSettled([...this.#running, this.#opening.close()]), sleep(SERVING.endMs, undefined, { ref: false })]);
		await this.toolbox.close();
	}
}
