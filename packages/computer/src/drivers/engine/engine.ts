/** A live engine: its client library, its facts, and one way to call it with deadlines and typed errors. */
import type Docker from "dockerode";
import type { Abortable, Availability } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { withDeadline } from "./deadline.js";
import type { Dialect } from "./dialect.js";
import { describeEndpoint, type Endpoint } from "./endpoint.js";
import { engineError, isUnreachable } from "./errors.js";
import type { EngineFacts } from "./facts.js";

export interface CallOptions extends Abortable {
	/** Default `DEADLINES.engineMs`; `Infinity` for a pull, which the caller may abort. */
	readonly deadlineMs?: number;
}

export class Engine {
	readonly dialect: Dialect;
	readonly endpoint: Endpoint;
	readonly version: string;
	readonly facts: EngineFacts;
	readonly #revive: (() => Promise<unknown>) | undefined;
	#client: Promise<Docker> | undefined;

	/** @param revive starts an engine of ours that ended by itself when idle */
	constructor(dialect: Dialect, endpoint: Endpoint, version: string, facts: EngineFacts, revive?: () => Promise<unknown>) {
		this.dialect = dialect;
		this.endpoint = endpoint;
		this.version = version;
		this.facts = facts;
		this.#revive = revive;
	}

	/**
	 * One exchange with the engine.
	 * @param action for errors, to follow "could not": `start the machine box`
	 */
	async call<T>(action: string, run: (docker: Docker, abortSignal: AbortSignal) => Promise<T>, options: CallOptions = {}): Promise<T> {
		this.#client ??= openClient(this.endpoint);
		const client = await this.#client;
		const { product } = this.dialect;
		const deadlineMs = options.deadlineMs ?? DEADLINES.engineMs;
		const onTimeout = (): ComputerError =>
			new ComputerError("timeout", `${product} did not answer within ${deadlineMs} ms, so it could not ${action}`, {
				hint: `Look whether ${product} at ${describeEndpoint(this.endpoint)} hangs; restarting it helps most often.`,
			});
		const attempt = (): Promise<T> =>
			withDeadline((signal) => run(client, signal), { signal: options.signal, deadlineMs, onTimeout, action });
		try {
			return await attempt().catch(async (error: unknown) => {
				if (this.#revive === undefined || !isUnreachable((error as NodeJS.ErrnoException).code)) throw error;
				await this.#revive();
				return await attempt();
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

	availability(): Availability {
		return { usable: true, version: this.version, endpoint: describeEndpoint(this.endpoint), capabilities: this.facts.capabilities };
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
	if (endpoint.kind === "tcp" && endpoint.tls) {
		const { Agent } = await import("node:https");
		return new Agent({ keepAlive: false, ...endpoint.tls });
	}
	const { Agent } = await import("node:http");
	return new Agent({ keepAlive: false });
}
