/** What a toolbox remembers between calls. Bounded: the oldest entries go. */
import type { Screen } from "./screen.js";

const MAX_ENTRIES = 500;

/** A place in each stream of a job. */
export interface Offsets {
	readonly stdout: number;
	readonly stderr: number;
}

export class Memory {
	/** How far each job was shown, by its id. */
	readonly shown = new Bounded<Offsets>();
	/** The last job that was made here. */
	lastJob: string | undefined;
	/** Calls that failed, with how often, by name and arguments. */
	readonly failures = new Bounded<number>();
	/** Terminals that are looked at, by name. */
	readonly screens = new Map<string, Screen>();

	/** Of what ended with its machine, or may be another's by now. */
	forgetMachine(): void {
		this.shown.clear();
		this.lastJob = undefined;
		for (const screen of this.screens.values()) screen.close();
		this.screens.clear();
	}
}

class Bounded<T> extends Map<string, T> {
	override set(key: string, value: T): this {
		this.delete(key);
		const oldest = this.size >= MAX_ENTRIES ? this.keys().next().value : undefined;
		if (oldest !== undefined) this.delete(oldest);
		return super.set(key, value);
	}
}
