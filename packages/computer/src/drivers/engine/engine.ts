/** A live engine: its client library, its facts, and one way to call it with deadlines and typed errors. */
import { inspect } from "node:util";
import type Docker from "dockerode";
import type { Abortable, Availability } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { withDeadline } from "./deadline.js";
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
	#client: Promise<Docker> | undefined;
	#facts: Promise<EngineFacts> | undefined;

	/**
	 * @param platform of this host
	 * @param revive starts an engine of ours that ended by itself when idle
	 */
	constructor(dialect: Dialect, endpoint: Endpoint, version: string, platform: NodeJS.Platform, revive?: () => Promise<unknown>) {
		this.dialect = dialect;
		this.endpoint = endpoint;
		this.version = version;
		this.#platform = platform;
		this.#revive = revive;
	}

	/**
	 * One exchange with the engine.
	 * @param action for errors, to follow "could not": `start the machine box`
	 */
	async call<T>(action: string, run: (docker: Docker, abortSignal: AbortSignal) => Promise<T>, options: CallOptions = {}): Promise<T> {
		this.#client ??= openClient(this.endpoint);
		return await this.#attempt(action, await this.#client, run, options);
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

	/** A ComputerError from whatever the client library threw. */
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
		const options = {
			signal,
			deadlineMs: Number.POSITIVE_INFINITY,
			action: ASK_FACTS,
			onTimeout: () => new ComputerError("timeout", ASK_FACTS),
		};
		return await withDeadline(() => facts, options);
	}

	async availability(options: Abortable = {}): Promise<Availability> {
		const { capabilities } = await this.facts(options);
		return { usable: true, version: this.version, endpoint: describeEndpoint(this.endpoint), capabilities };
	}

	async #readFacts(): Promise<EngineFacts> {
		const read = (_: Docker | undefined, abort: AbortSignal) => this.dialect.readInfo((path) => getJson(this.endpoint, path, abort));
		const info = await this.#attempt(ASK_FACTS, undefined, read, {});
		return readFacts(info, this.endpoint, this.#platform, this.dialect.joinsFromNone);
	}
}

/** The library takes a third of a second to load, so it is loaded when an engine is there. */
async function openClient(endpoint: Endpoint): Promise<Docker> {
	const { default: Client } = await import("dockerode");
	// Every field that it would otherwise take from the process's environment: DOCKER_HOST there wins over a socket given here.
	const blank = {
		host: undefined,
		port: undefined,
		socketPath: undefined,
		ca: undefined,
		cert: undefined,
		key: undefined,
		timeout: undefined,
	};
	// No agent that keeps connections: nothing is to hold the event loop, and an idle connection would keep an engine of ours awake.
	const agent = await connectionPerRequest(endpoint);
	const options =
		endpoint.kind === "socket"
			? { ...blank, protocol: "http" as const, socketPath: endpoint.path, agent }
			: { ...blank, protocol: endpoint.tls ? ("https" as const) : ("http" as const), host: endpoint.host, port: endpoint.port, agent };
	return new Client(options as ConstructorParameters<typeof Client>[0]);
}

async function connectionPerRequest(endpoint: Endpoint): Promise<unknown> {
	// docker-modem inspects every request with all that hangs on it, for a debug line that nobody reads: its agent knows all requests that are
	// under way, and with fifty of them the event loop stood still for seconds.
	const brief = { [inspect.custom]: () => "Agent" };
	if (endpoint.kind === "tcp" && endpoint.tls) {
		const { Agent } = await import("node:https");
		return Object.assign(new Agent({ keepAlive: false, ...endpoint.tls }), brief);
	}
	const { Agent } = await import("node:http");
	return Object.assign(new Agent({ keepAlive: false }), brief);
}
