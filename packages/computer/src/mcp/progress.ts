/** Progress of one call, for a client that asked for it. One that counts on it to wait longer hears something even while nothing changes. */
import type { ServerContext } from "@modelcontextprotocol/server";
import { SERVING } from "../limits.js";

export class Progress {
	readonly #notify: (progress: number, message: string) => void;
	readonly #startedAt = Date.now();
	readonly #timer: NodeJS.Timeout;
	#count = 0;
	#text = "running";

	private constructor(notify: (progress: number, message: string) => void) {
		this.#notify = notify;
		this.#timer = setInterval(() => this.#again(), SERVING.progressMs).unref();
	}

	/** Undefined when the client did not ask. */
	static of({ mcpReq }: ServerContext): Progress | undefined {
		const progressToken = mcpReq._meta?.progressToken;
		if (progressToken === undefined) return undefined;
		return new Progress((progress, message) => {
			// A client that is gone is noticed elsewhere.
			mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, message } }).catch(() => {});
		});
	}

	say(text: string): void {
		if (text === this.#text) return;
		this.#text = text;
		this.#notify(++this.#count, text);
	}

	/** Nothing is told after the result. */
	end(): void {
		clearInterval(this.#timer);
	}

	#again(): void {
		this.#notify(++this.#count, `${this.#text}, ${Math.round((Date.now() - this.#startedAt) / 1000)} s`);
	}
}
