/** The variables of a computer: every later command, job and terminal has them, over restarts too. */
import type { Abortable } from "../driver.js";
import { expectEnv } from "../expect.js";
import type { AgentLink } from "./link.js";
import { asObject, broken, type Json } from "./shapes.js";

export type Variables = Readonly<Record<string, string>>;

export class Environment {
	readonly #link: AgentLink;

	/** @internal */
	constructor(link: AgentLink) {
		this.#link = link;
	}

	async list(options: Abortable = {}): Promise<Variables> {
		const connection = await this.#link.get(options.signal);
		return variables(await connection.json("GET", "/v1/environment", undefined, options.signal));
	}

	/** All of them or none. Shells that run already have them from their next command on. `invalid_argument` for a name that no shell takes. */
	async set(values: Variables, options: Abortable = {}): Promise<Variables> {
		expectEnv("the environment", values);
		return this.#change({ set: values }, options);
	}

	async unset(names: readonly string[], options: Abortable = {}): Promise<Variables> {
		return this.#change({ unset: names }, options);
	}

	async #change(change: Json, { signal }: Abortable): Promise<Variables> {
		const connection = await this.#link.get(signal);
		return variables(await connection.json("PUT", "/v1/environment", change, signal));
	}
}

function variables(json: Json): Variables {
	const vars = asObject(json["vars"], "vars");
	for (const value of Object.values(vars)) if (typeof value !== "string") throw broken("expected text as the value of a variable");
	return vars as Variables;
}
