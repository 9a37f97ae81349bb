/** Which decisions are worth a line: a program that asks again and again would fill a journal. */
import type { EgressDecision } from "./policy.js";

const AGAIN_MS = 60_000;
const MAX_KNOWN = 200;

export class Digest {
	readonly #told = new Map<string, number>();

	/** Undefined for what was told a moment ago, and for the rest of a flood. */
	line({ at, allowed, target, reason, secrets }: EgressDecision): string | undefined {
		const key = `${allowed} ${target}`;
		const before = this.#told.get(key);
		if (before !== undefined && at - before < AGAIN_MS) return undefined;
		if (this.#told.size >= MAX_KNOWN) {
			for (const [old, then] of this.#told) if (at - then >= AGAIN_MS) this.#told.delete(old);
			if (this.#told.size >= MAX_KNOWN) return undefined;
		}
		this.#told.set(key, at);
		const along = secrets === undefined ? "" : ` with ${secrets.join(", ")}`;
		return allowed ? `allowed ${target}${along}` : `refused ${target}: ${reason}`;
	}
}
