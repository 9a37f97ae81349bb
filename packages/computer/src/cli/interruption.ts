import { setMaxListeners } from "node:events";
import { ComputerError, isComputerError } from "../errors/index.js";

/** The wish to stop, from a signal or because nobody reads our output any more. The second wish ends the process at once. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
const SIGPIPE = 13;

export class Interruption {
	readonly #controller = new AbortController();
	#status = 0;
	#signalName = "";

	/** Aborted when it is time to clean up and go. */
	get signal(): AbortSignal {
		return this.#controller.signal;
	}

	/** 128 + signal, as shells have it. 0 until then. */
	get status(): number {
		return this.#status;
	}

	/** What the guest's command is sent: `INT`, `TERM`, `HUP`. */
	get signalName(): string {
		return this.#signalName;
	}

	listen(): void {
		// One command asks many computers at once, and each question listens.
		setMaxListeners(0, this.signal);
		for (const [name, number] of Object.entries(SIGNALS)) {
			process.on(name, () => {
				if (this.signal.aborted) process.exit(128 + number);
				this.#stop(name.slice("SIG".length), 128 + number);
			});
		}
	}

	/** What a program without a handler meets when `| head` has seen enough; the same for output that cannot be kept. */
	unheard(): void {
		if (!this.signal.aborted) this.#stop("HUP", 128 + SIGPIPE);
	}

	/** The error as it was, or, when the interruption is what caused it, in words of its own. */
	explain(error: unknown): unknown {
		if (!this.signal.aborted || !isComputerError(error, "canceled")) return error;
		return new ComputerError("canceled", `ended by SIG${this.#signalName}`);
	}

	#stop(signalName: string, status: number): void {
		this.#signalName = signalName;
		this.#status = status;
		this.#controller.abort();
	}
}
