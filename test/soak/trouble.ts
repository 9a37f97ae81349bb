/** What was done to the computers on purpose, and which failures that excuses. */

interface Trouble {
	readonly what: string;
	/** A computer's or a hand's name; undefined: everybody's. */
	readonly scope: string | undefined;
	readonly begin: number;
	end: number;
}

/** A connection that broke may be noticed, and a machine that went down be told of, this much later. */
const GRACE_MS = 2_000;
const KEPT_MS = 600_000;

/** What a call may reject with when it was disturbed. Never `internal`, `protocol_error` or an error without a type. */
const EXCUSED: ReadonlySet<string> = new Set([
	"connection_lost",
	"machine_gone",
	"machine_failed",
	"driver_unavailable",
	"engine_failed",
	"timeout",
	"busy",
	"not_found",
	"already_exists",
]);

export class Troubles {
	#all: Trouble[] = [];

	/** Call the answer when it is over; `graceMs` more than usual when its effects may still come. */
	begin(what: string, scope?: string): (graceMs?: number) => void {
		const trouble: Trouble = { what, scope, begin: performance.now(), end: Number.POSITIVE_INFINITY };
		this.#all = this.#all.filter(({ end }) => end > performance.now() - KEPT_MS);
		this.#all.push(trouble);
		return (graceMs = 0) => (trouble.end = performance.now() + graceMs);
	}

	/** What went on since then, but for what is one's own. */
	since(moment: number, scopes: readonly string[], own?: string): readonly string[] {
		return this.#all
			.filter(({ scope, end, what }) => end + GRACE_MS > moment && (scope === undefined || scopes.includes(scope)) && what !== own)
			.map(({ what }) => what);
	}

	excuses(code: string, moment: number, scopes: readonly string[], own?: string): boolean {
		return EXCUSED.has(code) && this.since(moment, scopes, own).length > 0;
	}
}
