/** One stream of what happens to a computer and in it. */
import { canceled } from "./agent/abort.js";
import type { Connection } from "./agent/connection.js";
import { type CommandEvent, readEvents } from "./agent/events.js";
import type { AgentLink } from "./agent/link.js";
import type { Abortable } from "./driver.js";
import { isComputerError } from "./errors/index.js";
import type { LifeRecord } from "./journal.js";
import { BOUNDS } from "./limits.js";

/**
 * `begin` and `end` of every command, whoever ran it, and what this holder does to the computer. `disconnected`: the connection was lost or the machine
 * stopped; the stream goes on with the next call that connects.
 */
export type ComputerEvent = { readonly at: number } & (CommandEvent | LifeRecord | { readonly type: "disconnected" });

type Listener = (event: ComputerEvent) => void;

export class Events {
	readonly #listeners = new Set<Listener>();
	readonly #link: AgentLink;

	constructor(link: AgentLink) {
		this.#link = link;
	}

	emit(event: LifeRecord): void {
		for (const listener of this.#listeners) listener({ at: Date.now(), ...event });
	}

	/** From now on, until the signal, the loop's end or that of the computer here. A reader that is too slow misses the oldest ones, and is told how many. */
	async *read({ signal }: Abortable): AsyncGenerator<ComputerEvent, undefined> {
		const queue: ComputerEvent[] = [];
		let lost = 0;
		let wake = () => {};
		const take = (event: ComputerEvent) => {
			queue.push(event);
			if (queue.length > BOUNDS.unreadEvents && queue.shift() !== undefined) lost++;
			wake();
		};
		const ending = new AbortController();
		const end = () => ending.abort();
		signal?.addEventListener("abort", end, { once: true });
		this.#listeners.add(take);
		let failure: unknown;
		let over = false;
		const following = this.#follow(take, ending.signal)
			.catch((error: unknown) => {
				// That its holder has closed or removed the computer is no failure.
				if (!this.#link.closed) failure = error;
			})
			.finally(() => {
				over = true;
				wake();
			});
		try {
			for (;;) {
				const event = lost > 0 ? ({ at: Date.now(), type: "lost", count: lost } as const) : queue.shift();
				if (event !== undefined) {
					if (event.type === "lost") lost = 0;
					yield event;
					continue;
				}
				if (signal?.aborted) throw canceled(signal);
				if (failure !== undefined) throw failure;
				if (over) return;
				await new Promise<void>((resolve) => (wake = resolve));
			}
		} finally {
			this.#listeners.delete(take);
			signal?.removeEventListener("abort", end);
			end();
			await following;
		}
	}

	/** The guest's part, on one connection after the other. Starts nothing. */
	async #follow(take: Listener, signal: AbortSignal): Promise<void> {
		for (let connection: Connection | undefined; ; ) {
			// Never the same again: an agent that ends its answer at once would be asked without a pause.
			connection = await this.#link.next(signal, connection);
			try {
				await readEvents(connection, (event) => take({ at: Date.now(), ...event }), { signal });
			} catch (error) {
				// An older agent has no events; a connection that broke is followed by another.
				if (!isComputerError(error, "connection_lost") && !isComputerError(error, "machine_gone")) throw error;
			}
			take({ at: Date.now(), type: "disconnected" });
		}
	}
}
