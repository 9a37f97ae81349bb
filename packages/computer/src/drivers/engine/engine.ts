/** A live engine: its API, its facts, and one way to call it with deadlines and typed errors. */
import type { Abortable, Availability } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { EngineApi } from "./api.js";
import { waitFor, withDeadline } from "./deadline.js";
import type { Dialect } from "./dialect.js";
import { describeEndpoint, type Endpoint } from "./endpoint.js";
import { engineError, isUnreachable } from "./errors.js";
import { type EngineFacts, readFacts } from "./facts.js";
import { getJson } from "./ping.js";

export interface CallOptions extends Abortable {
	/** Default `DEADLINES.engineMs`; `Infinity` for a pull, which the caller may abort. */
	readonly deadlineMs?: number;
}

const ASK_FACTS = "say what it can do";

export class Engine {
	readonly dialect: Dialect;
	readonly endpoint: Endpoint;
	readonly version: string;
	readonly #platform: NodeJS.Platform;
	readonly #revive: (() => Promise<unknown>) | undefined;
	readonly #api: EngineApi;
	#facts: Promise<EngineFacts> | undefined;

	/**
	 * @param platform of this host
	 * @param revive starts an engine of ours that ended by itself when idle
	 */
	constructor(dialect: Dialect, endpoint: Endpoint, version: string, platform: NodeJS.Platform, revive?: () => Promise<unknown>) {
		this.dialect = dialect;
		this.endpoint = endpoint;
		this.#api = new EngineApi(endpoint);
		this.version = version;
		this.#platform = platform;
		this.#revive = revive;
	}

	/**
	 * One exchange with the engine.
	 * @param action for errors, to follow "could not": `start the machine box`
	 */
	async call<T>(action: string, run: (docker: EngineApi, abortSignal: AbortSignal) => Promise<T>, options: CallOptions = {}): Promise<T> {
		return await this.#attempt(action, this.#api, run, options);
	}

	async #attempt<C, T>(action: string, client: C, run: (client: C, abort: AbortSignal) => Promise<T>, options: CallOptions): Promise<T> {
		const { product } = this.dialect;
		const deadlineMs = options.deadlineMs ?? DEADLINES.engineMs;
		const onTimeout = (): ComputerError =>
			new ComputerError("timeout", `${product} did not answer within ${deadlineMs} ms, so it could not ${action}`, {
				hint: `Look whether ${product} at ${describeEndpoint(this.endpoint)} hangs; restarting it helps most often.`,
			});
		const once = (): Promise<T> => withDeadline((signal) => run(client, signal), { signal: options.signal, deadlineMs, onTimeout, action });
		try {
			return await once().catch(async (error: unknown) => {
				if (this.#revive === undefined || !isUnreachable((error as NodeJS.ErrnoException).code)) throw error;
				await this.#revive();
				return await once();
			});
		} catch (error) {
			throw this.explain(error, action);
		}
	}

	/** Its machines may be processes of this kernel. */
	get isHere(): boolean {
		return this.#platform === "linux" && this.endpoint.kind === "socket";
	}

	/** A ComputerError from whatever its API threw. */
	explain(error: unknown, action: string): ComputerError {
		if (error instanceof ComputerError) return error;
		const { statusCode, code, json, message } = error as { statusCode?: number; code?: string; json?: unknown; message: string };
		const words = (json as { message?: unknown } | null | undefined)?.message;
		const failure = { status: statusCode, code, message: typeof words === "string" && words !== "" ? words : message, cause: error };
		return engineError(failure, this.dialect.product, action);
	}

	/** Asked for once, and only by who needs it: to find a machine and connect to it takes none of this. */
	async facts({ signal }: Abortable = {}): Promise<EngineFacts> {
		// Shared by all callers, so none of them may abort it; each may stop waiting.
		const facts = this.#facts ?? this.#readFacts();
		this.#facts = facts;
		facts.catch(() => {
			if (this.#facts === facts) this.#facts = undefined;
		});
		return await waitFor(facts, ASK_FACTS, signal);
	}

	async availability(options: Abortable = {}): Promise<Availability> {
		const { capabilities } = await this.facts(options);
		return { usable: true, version: this.version, endpoint: describeEndpoint(this.endpoint), capabilities };
	}

	async #readFacts(): Promise<EngineFacts> {
		const read = (_: undefined, abort: AbortSignal) => this.dialect.readInfo((path) => getJson(this.endpoint, path, abort));
		const info = await this.#attempt(ASK_FACTS, undefined, read, {});
		return readFacts(info, this.endpoint, this.#platform);
	}
}
