import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { exactly, WIRE } from "./wire.js";

type Json = Record<string, unknown>;
type Values = Readonly<Record<string, unknown>>;

export interface CallOutcome {
	readonly result?: unknown;
	readonly error?: unknown;
	readonly statuses: readonly string[];
	readonly warnings: readonly string[];
}

export interface ToolCall {
	readonly outcome: Promise<CallOutcome>;
	/** Gets no answer: LM Studio counts the call as over at once. */
	abort(): void;
	/** The first status line that matches. */
	status(pattern: RegExp): Promise<string>;
}

export interface Session {
	readonly tools: readonly { readonly name: string; readonly description: string; readonly parameters: unknown }[];
	start(tool: string, parameters: Json): ToolCall;
	call(tool: string, parameters?: Json): Promise<CallOutcome>;
	/** The text of a call's result, which has to be one. */
	text(tool: string, parameters?: Json): Promise<string>;
	discard(): void;
}

export interface Chat {
	readonly config?: Values;
	readonly workingDirectory?: string;
}

export interface Message extends Chat {
	readonly text: string;
	/** The user has changed their mind at once. */
	readonly aborted?: boolean;
	/** Paths of this host. */
	readonly files?: readonly { readonly name: string; readonly path: string; readonly sizeBytes: number; readonly fileType?: string }[];
}

interface Model {
	readonly contextLength: number;
}

/** LM Studio, as far as a plugin sees it. Whatever does not fit the SDK's own schemas to the letter is a violation. */
export class Imitation {
	readonly identifier = randomUUID();
	readonly passkey = randomUUID();
	readonly violations: string[] = [];
	schematics: readonly Json[] = [];
	/** The one that is loaded. */
	model: Model | undefined;
	/** RPCs that get no answer. */
	readonly unanswered = new Set<string>();
	readonly #server: WebSocketServer;
	readonly #ready = deferred<void>();
	readonly #paths = new Map<string, string>();
	readonly #updates: Json[] = [];
	readonly #channels = new Map<string, (message: Json) => void>();
	readonly #listeners = new Set<(message: Json) => void>();

	private constructor(server: WebSocketServer) {
		this.#server = server;
		server.on("connection", (socket, request) => this.#connected(socket, request.url ?? ""));
	}

	static async start(): Promise<Imitation> {
		const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
		await once(server, "listening");
		return new Imitation(server);
	}

	/** All that a plugin's process gets. */
	get env(): Record<string, string> {
		return {
			LMS_PLUGIN_CLIENT_IDENTIFIER: this.identifier,
			LMS_PLUGIN_CLIENT_PASSKEY: this.passkey,
			LMS_PLUGIN_BASE_URL: `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
		};
	}

	/** The plugin has registered and says so. */
	get ready(): Promise<void> {
		return this.#ready.promise;
	}

	/** As LM Studio does when it ends: every connection breaks. */
	close(): void {
		for (const client of this.#server.clients) client.terminate();
		this.#server.close();
	}

	async openSession({ config = {}, workingDirectory }: Chat = {}): Promise<Session> {
		const sessionId = randomUUID();
		const answer = this.#message((message) => message["sessionId"] === sessionId);
		this.#send("setToolsProvider", { type: "initSession", sessionId, ...configs(config, workingDirectory) });
		const message = await answer;
		if (message["type"] !== "sessionInitialized") throw new Error(`no session: ${JSON.stringify(message).slice(0, 2000)}`);
		const start = (toolName: string, parameters: Json) => this.#call(sessionId, toolName, parameters);
		const call = (tool: string, parameters: Json = {}) => start(tool, parameters).outcome;
		return {
			tools: (message["toolDefinitions"] as { function: Session["tools"][number] }[]).map((tool) => tool.function),
			start,
			call,
			text: async (tool, parameters) => {
				const outcome = await call(tool, parameters);
				if (typeof outcome.result !== "string") throw new Error(`${tool} did not answer a text: ${JSON.stringify(outcome)}`);
				return outcome.result;
			},
			discard: () => this.#send("setToolsProvider", { type: "discardSession", sessionId }),
		};
	}

	/** What the model gets to see of a message, and what the user saw meanwhile. */
	async preprocess(message: Message): Promise<{ text: string; parts: readonly Json[]; statuses: readonly string[] }> {
		const taskId = randomUUID();
		this.#updates.length = 0;
		const answer = this.#message((received) => received["taskId"] === taskId);
		this.#send("setPromptPreprocessor", {
			type: "preprocess",
			taskId,
			input: { role: "user", content: this.#content(message) },
			config: { fields: [] },
			...configs(message.config ?? {}, message.workingDirectory),
			enabledPluginInfos: [],
			pci: randomUUID(),
			token: randomUUID(),
		});
		if (message.aborted) this.#send("setPromptPreprocessor", { type: "abort", taskId });
		const received = await answer;
		if (received["type"] !== "complete") throw new Error(`no message: ${JSON.stringify(received).slice(0, 2000)}`);
		const parts = (received["processed"] as { content: Json[] }).content;
		const text = parts.flatMap((part) => (part["type"] === "text" ? [String(part["text"])] : [])).join(" ");
		const statuses = this.#updates.map((update) => (update["state"] as Json | undefined)?.["text"]).map(String);
		return { text, parts, statuses };
	}

	#content({ text, files = [] }: Message): Json[] {
		return [
			{ type: "text", text },
			...files.map(({ name, path, sizeBytes, fileType = "unknown" }) => {
				const identifier = `${randomUUID()}-${name.replace(/[^\w.]/g, "")}`;
				this.#paths.set(identifier, path);
				return { type: "file", name, identifier, sizeBytes, fileType };
			}),
		];
	}

	#call(sessionId: string, toolName: string, parameters: Json): ToolCall {
		const callId = randomUUID();
		const statuses: string[] = [];
		const warnings: string[] = [];
		const outcome = deferred<CallOutcome>();
		const mine = (message: Json) => {
			if (message["sessionId"] !== sessionId || message["callId"] !== callId) return;
			if (message["type"] === "toolCallStatus") statuses.push(String(message["statusText"]));
			else if (message["type"] === "toolCallWarn") warnings.push(String(message["warnText"]));
			else {
				this.#listeners.delete(mine);
				outcome.resolve({ result: message["result"], error: message["error"], statuses, warnings });
			}
		};
		this.#listeners.add(mine);
		this.#send("setToolsProvider", { type: "callTool", sessionId, callId, toolName, parameters });
		return {
			outcome: outcome.promise,
			abort: () => {
				this.#send("setToolsProvider", { type: "abortToolCall", sessionId, callId });
				outcome.resolve({ error: "aborted", statuses, warnings });
			},
			status: async (pattern) => {
				const before = statuses.find((text) => pattern.test(text));
				if (before !== undefined) return before;
				const message = await this.#message((one) => one["callId"] === callId && pattern.test(String(one["statusText"])));
				return String(message["statusText"]);
			},
		};
	}

	#message(wanted: (message: Json) => boolean): Promise<Json> {
		return new Promise((resolve) => {
			const listener = (message: Json) => {
				if (!wanted(message)) return;
				this.#listeners.delete(listener);
				resolve(message);
			};
			this.#listeners.add(listener);
		});
	}

	#send(channel: string, message: Json): void {
		const send = this.#channels.get(channel);
		if (send === undefined) throw new Error(`the plugin did not register ${channel}`);
		send(message);
	}

	#connected(socket: WebSocket, place: string): void {
		let admitted = false;
		socket.on("message", (data) => {
			try {
				const message = JSON.parse(String(data)) as Json;
				if (admitted) {
					this.#received(socket, place, message);
					return;
				}
				exactly(WIRE.authentication, message, "authentication");
				admitted = message["clientIdentifier"] === this.identifier && message["clientPasskey"] === this.passkey;
				socket.send(JSON.stringify(admitted ? { success: true } : { success: false, error: "who are you" }));
			} catch (error) {
				this.violations.push(`${place}: ${error}`);
			}
		});
	}

	#received(socket: WebSocket, place: string, message: Json): void {
		const known = WIRE.places[place];
		if (known === undefined) throw new Error("nothing is there");
		exactly(WIRE.fromClient, message, "frame");
		const reply = (answer: Json) => socket.send(JSON.stringify(exactly(WIRE.toClient, answer, "answer")));
		const name = String(message["endpoint"]);
		switch (message["type"]) {
			case "rpcCall": {
				const rpc = known.getRpcEndpoint(name);
				if (rpc === undefined) throw new Error(`no RPC ${name}`);
				if (this.unanswered.has(name)) return;
				const result = this.#answer(place, name, exactly(rpc.parameter, message["parameter"], name) as Json);
				exactly(rpc.returns, result, `the result of ${name}`);
				reply({ type: "rpcResult", callId: message["callId"], ...(result !== undefined && { result }) });
				return;
			}
			case "channelCreate": {
				const channel = known.getChannelEndpoint(name);
				if (channel === undefined) throw new Error(`no channel ${name}`);
				exactly(channel.creationParameter, message["creationParameter"], name);
				const channelId = message["channelId"];
				const toClient = (packet: Json) =>
					reply({ type: "channelSend", channelId, message: exactly(channel.toClientPacket, packet, `to ${name}`) });
				if (name === "getOrLoad") {
					toClient({ type: "alreadyLoaded", info: this.#modelInfo() });
					return;
				}
				if (this.#channels.has(name)) throw new Error(`${name} twice`);
				this.#channels.set(name, toClient);
				socket.on("message", (data) => {
					const { type, channelId: id, message: packet } = JSON.parse(String(data)) as Json;
					if (type !== "channelSend" || id !== channelId) return;
					try {
						exactly(channel.toServerPacket, packet, `from ${name}`);
						for (const listener of this.#listeners) listener(packet as Json);
					} catch (error) {
						this.violations.push(String(error));
					}
				});
				return;
			}
			case "channelSend":
				return;
			case "keepAlive":
				reply({ type: "keepAliveAck" });
				return;
			default:
				throw new Error(`unexpected: ${JSON.stringify(message).slice(0, 500)}`);
		}
	}

	/** Each RPC that a plugin may call. */
	#answer(place: string, name: string, parameter: Json): unknown {
		switch (`${place} ${name}`) {
			case "/plugins setConfigSchematics":
				this.schematics = (parameter["schematics"] as { fields: Json[] }).fields;
				return;
			case "/plugins pluginInitCompleted":
				return this.#ready.resolve();
			case "/plugins processingHandleUpdate":
				this.#updates.push(parameter["update"] as Json);
				return;
			case "/plugins processingGetOrLoadTokenSource":
				return { tokenSourceIdentifier: { type: "model", identifier: "test/model" } };
			case "/files getLocalFileAbsolutePath":
				return { path: this.#paths.get(String(parameter["fileName"])) };
			case "/llm listLoaded":
				return this.model === undefined ? [] : [this.#modelInfo()];
			case "/llm getModelInfo":
				return this.#modelInfo();
			case "/llm getLoadConfig":
				return { fields: [{ key: "llm.load.contextLength", value: this.model?.contextLength }] };
			default:
				throw new Error(`a plugin was not expected to ask for ${place} ${name}`);
		}
	}

	#modelInfo(): Json {
		const contextLength = this.model?.contextLength ?? 4096;
		return {
			type: "llm",
			modelKey: "test/model",
			format: "gguf",
			displayName: "Test",
			path: "test/model",
			sizeBytes: 1,
			architecture: "llama",
			identifier: "test/model",
			instanceReference: "test",
			vision: false,
			trainedForToolUse: true,
			maxContextLength: contextLength,
			contextLength,
		};
	}
}

function configs(config: Values, workingDirectory: string | undefined): Json {
	const fields = Object.entries(config).map(([key, value]) => ({ key, value }));
	return { pluginConfig: { fields }, globalPluginConfig: { fields: [] }, workingDirectoryPath: workingDirectory ?? null };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
	let settle: ((value: T) => void) | undefined;
	const promise = new Promise<T>((resolve) => {
		settle = resolve;
	});
	return { promise, resolve: (value) => settle?.(value) };
}
