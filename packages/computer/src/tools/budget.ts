/** How many calls a model may make before it has to answer its user. */
export interface BudgetState {
	readonly used: number;
	readonly remaining: number;
	readonly perTurn: number;
}

export class Budget {
	readonly #perTurn: number;
	#used = 0;

	/** 0: as many as it likes, for a door that is not told when the user has spoken. */
	constructor(perTurn: number) {
		this.#perTurn = perTurn;
	}

	/** Takes what a call costs; false when it is not there any more. */
	take(cost: number): boolean {
		if (this.#perTurn > 0 && this.#used + cost > this.#perTurn) return false;
		this.#used += cost;
		return true;
	}

	newTurn(): void {
		this.#used = 0;
	}

	/** Undefined where there is none. */
	get state(): BudgetState | undefined {
		if (this.#perTurn === 0) return undefined;
		return { used: this.#used, remaining: this.#perTurn - this.#used, perTurn: this.#perTurn };
	}
}
