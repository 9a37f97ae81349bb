/**
 * The engines' HTTP API, as much of it as is used: https://docs.docker.com/reference/api/engine/version/v1.41/. Options are the API's own, in the query or in
 * the body as it wants them. Why it is not a library's: docs/decisions/0010-engine-api.md.
 */
import type { Duplex, Readable } from "node:stream";
import type { ContainerCreateOptions, ContainerInfo, ContainerInspectInfo, ImageInfo, ImageInspectInfo } from "dockerode";
import type { Endpoint } from "./endpoint.js";
import { answerTo, ask, type EngineRequest, upgrade } from "./http.js";

/** Everything but the signal goes to the engine. */
type Options<T extends object = Readonly<Record<string, unknown>>> = T & { readonly abortSignal?: AbortSignal | undefined };
type Method = EngineRequest["method"];

export class EngineApi {
	readonly #endpoint: Endpoint;

	constructor(endpoint: Endpoint) {
		this.#endpoint = endpoint;
	}

	getContainer(id: string): EngineContainer {
		return new EngineContainer(this, id);
	}

	/** By its id or any of its names. */
	getImage(name: string): EngineImage {
		return new EngineImage(this, name);
	}

	async createContainer({ name, abortSignal, ...body }: Options<ContainerCreateOptions>): Promise<{ readonly id: string }> {
		const { Id } = await this.json<{ Id: string }>("POST", "/containers/create", { name, abortSignal }, body);
		return { id: Id };
	}

	listContainers(options: Options = {}): Promise<ContainerInfo[]> {
		return this.json("GET", "/containers/json", options);
	}

	listImages(options: Options = {}): Promise<ImageInfo[]> {
		return this.json("GET", "/images/json", options);
	}

	/** Joins a container to a network while it runs, or takes it out. */
	changeNetwork(network: string, verb: "connect" | "disconnect", { abortSignal, ...body }: Options): Promise<void> {
		return this.order("POST", `/networks/${network}/${verb}`, { abortSignal }, body);
	}

	/** Pulls; the answer is its progress. */
	createImage(options: Options): Promise<Readable> {
		return this.stream("POST", "/images/create", options);
	}

	async json<T>(method: Method, path: string, options: Options = {}, body?: object): Promise<T> {
		const answer = await ask(this.#endpoint, this.#request(method, path, options, body));
		return JSON.parse(answer.body.toString("utf8")) as T;
	}

	/** Whatever it answers: nothing, a list of warnings, or just OK. */
	async order(method: Method, path: string, options: Options = {}, body?: object): Promise<void> {
		await ask(this.#endpoint, this.#request(method, path, options, body));
	}

	async bytes(path: string, options: Options): Promise<Buffer> {
		return (await ask(this.#endpoint, this.#request("GET", path, options))).body;
	}

	stream(method: Method, path: string, options: Options): Promise<Readable> {
		return answerTo(this.#endpoint, this.#request(method, path, options));
	}

	async send(path: string, archive: Readable, options: Options): Promise<void> {
		await ask(this.#endpoint, this.#request("PUT", path, options, archive));
	}

	upgrade(path: string, body: object, options: Options): Promise<Duplex> {
		return upgrade(this.#endpoint, this.#request("POST", path, options, body));
	}

	#request(method: Method, path: string, { abortSignal, ...query }: Options, body?: object | Readable): EngineRequest {
		const pairs = Object.entries(query)
			.filter(([, value]) => value !== undefined)
			.map(([key, value]): [string, string] => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]);
		const text = new URLSearchParams(pairs).toString();
		return { method, path: encodeURI(path) + (text === "" ? "" : `?${text}`), body, signal: abortSignal };
	}
}

export class EngineContainer {
	readonly id: string;
	readonly #api: EngineApi;

	constructor(api: EngineApi, id: string) {
		this.#api = api;
		this.id = id;
	}

	inspect(options: Options = {}): Promise<ContainerInspectInfo> {
		return this.#api.json("GET", this.#path("json"), options);
	}

	start(options: Options = {}): Promise<void> {
		return this.#api.order("POST", this.#path("start"), options);
	}

	stop(options: Options = {}): Promise<void> {
		return this.#api.order("POST", this.#path("stop"), options);
	}

	/** Answers when the signal was sent. */
	kill(options: Options = {}): Promise<void> {
		return this.#api.order("POST", this.#path("kill"), options);
	}

	restart(options: Options = {}): Promise<void> {
		return this.#api.order("POST", this.#path("restart"), options);
	}

	unpause(options: Options = {}): Promise<void> {
		return this.#api.order("POST", this.#path("unpause"), options);
	}

	rename(options: Options): Promise<void> {
		return this.#api.order("POST", this.#path("rename"), options);
	}

	remove(options: Options = {}): Promise<void> {
		return this.#api.order("DELETE", `/containers/${this.id}`, options);
	}

	update({ abortSignal, ...body }: Options): Promise<void> {
		return this.#api.order("POST", this.#path("update"), { abortSignal }, body);
	}

	wait(options: Options = {}): Promise<{ readonly StatusCode: number }> {
		return this.#api.json("POST", this.#path("wait"), options);
	}

	/** An image of its files; the settings it gets beyond the container's are `changes`. */
	commit(options: Options): Promise<{ readonly Id: string }> {
		return this.#api.json("POST", "/commit", { ...options, container: this.id }, {});
	}

	/** Framed, unless it has a terminal. */
	logs(options: Options): Promise<Buffer> {
		return this.#api.bytes(this.#path("logs"), options);
	}

	/** The same as it comes, until the container ends. */
	followLogs(options: Options): Promise<Readable> {
		return this.#api.stream("GET", this.#path("logs"), { ...options, follow: true });
	}

	/** Rejects with status 404 when there is no such path. */
	async infoArchive(options: Options): Promise<void> {
		(await this.#api.stream("HEAD", this.#path("archive"), options)).resume();
	}

	putArchive(archive: Readable, options: Options): Promise<void> {
		return this.#api.send(this.#path("archive"), archive, options);
	}

	/** @returns the id of what is to be started */
	async exec({ abortSignal, ...body }: Options): Promise<string> {
		return (await this.#api.json<{ Id: string }>("POST", this.#path("exec"), { abortSignal }, body)).Id;
	}

	#path(verb: string): string {
		return `/containers/${this.id}/${verb}`;
	}
}

export class EngineImage {
	readonly #api: EngineApi;
	readonly #path: string;

	constructor(api: EngineApi, name: string) {
		this.#api = api;
		this.#path = `/images/${name}`;
	}

	inspect(options: Options = {}): Promise<ImageInspectInfo> {
		return this.#api.json("GET", `${this.#path}/json`, options);
	}

	history(options: Options = {}): Promise<readonly { readonly Size?: unknown }[]> {
		return this.#api.json("GET", `${this.#path}/history`, options);
	}

	tag(options: Options): Promise<void> {
		return this.#api.order("POST", `${this.#path}/tag`, options);
	}

	remove(options: Options = {}): Promise<void> {
		return this.#api.order("DELETE", this.#path, options);
	}
}
