import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import type { Abortable, CheckpointStore, DriverName, Machine, MachineInfo, MachineSpec } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { DEADLINES, GUEST_AGENT } from "../../limits.js";
import { dropTags } from "./checkpoint-images.js";
import type { Engine } from "./engine.js";
import { cleanWords } from "./errors.js";
import { openExec } from "./exec.js";
import type { ExecStream } from "./exec-stream.js";
import { FrameReader } from "./frames.js";
import { specOf } from "./labels.js";
import { readMachineInfo } from "./machine-info.js";
import { switchNetwork } from "./network.js";
import { removeContainer } from "./remove-container.js";
import { checkFolders } from "./shared-folders.js";
import { removeStandIns } from "./stand-ins.js";

const CONNECT = [GUEST_AGENT, "connect"] as const;

/** A container of ours. It holds nothing but its id: what it is is asked of the engine each time. */
export class EngineMachine implements Machine {
	readonly id: string;
	readonly name: string;
	readonly driver: DriverName;
	readonly checkpoints: CheckpointStore;
	readonly #engine: Engine;
	readonly #streams: Set<ExecStream>;

	/** @param streams gets every open stream, for the driver to close */
	constructor(engine: Engine, id: string, name: string, streams: Set<ExecStream>, checkpoints: CheckpointStore) {
		this.id = id;
		this.name = name;
		this.driver = engine.dialect.name;
		this.#engine = engine;
		this.#streams = streams;
		this.checkpoints = checkpoints;
	}

	async inspect(options: Abortable = {}): Promise<MachineInfo> {
		return readMachineInfo(await this.#container(options), this.driver);
	}

	async #container(options: Abortable) {
		return await this.#call("inspect", options, (it, abortSignal) => it.inspect({ abortSignal })).catch(async (error: unknown) => {
			// Somebody else has removed it.
			if (isComputerError(error, "machine_gone")) await this.#engine.dialect.afterRemove?.(this.id);
			throw error;
		});
	}

	async start(options: Abortable = {}): Promise<void> {
		const container = await this.#container(options);
		const { state } = readMachineInfo(container, this.driver);
		if (state === "running") return;
		await checkFolders(specOf(container.Config.Labels)?.folders ?? []);
		if (state === "broken") {
			throw new ComputerError("machine_failed", `The machine ${this.name} can not be started: the engine calls it dead or is removing it`, {
				hint: "Remove the computer and make it anew.",
			});
		}
		// 304 is "already started": somebody else was quicker.
		if (state === "paused") await this.#call("unpause", options, (it, abortSignal) => it.unpause({ abortSignal }));
		else await this.#call("start", options, (it, abortSignal) => unless304(it.start({ abortSignal })));
	}

	async stop(options: Abortable = {}): Promise<void> {
		const { state } = await this.inspect(options);
		if (state === "stopped") return;
		// A frozen process gets no TERM; Docker refuses, Podman waits for ever.
		if (state === "paused") await this.#call("unpause", options, (it, abortSignal) => it.unpause({ abortSignal }));
		const t = Math.ceil(DEADLINES.stopGraceMs / 1000);
		await this.#call("stop", options, (it, abortSignal) => unless304(it.stop({ t, abortSignal })));
	}

	async setNetwork(network: MachineSpec["network"], options: Abortable = {}): Promise<void> {
		await switchNetwork(this.#engine, await this.#container(options), this.name, network, options);
	}

	async remove(options: Abortable = {}): Promise<void> {
		await removeContainer(this.#engine, this.id, this.name, options);
		await removeStandIns(this.#engine, this.name, this.id, options);
		await dropTags(this.#engine, this.name);
	}

	async connect(options: Abortable = {}): Promise<Duplex> {
		const action = `connect to the machine ${this.name}`;
		try {
			const stream = await openExec(this.#engine, this.id, CONNECT, action, options);
			this.#streams.add(stream);
			stream.once("close", () => this.#streams.delete(stream));
			return stream;
		} catch (error) {
			if (!isComputerError(error, "machine_gone")) throw error;
			const words = await this.#lastWords(options);
			if (words === "") throw error;
			throw new ComputerError("machine_gone", `${error.message}. Its last words: ${words}`, { context: error.context, cause: error });
		}
	}

	/** The end of what PID 1 said, if the engine still has it. */
	async #lastWords(options: Abortable): Promise<string> {
		const query = { stdout: true, stderr: true, tail: 20, follow: false as const };
		try {
			const log = await this.#call("read the log of", options, (it, abortSignal) => it.logs({ ...query, abortSignal }));
			const parts: Buffer[] = [];
			new FrameReader((_, part) => parts.push(part)).push(Buffer.from(log));
			return cleanWords(Buffer.concat(parts).toString("utf8"));
		} catch {
			return "";
		}
	}

	async #call<T>(verb: string, options: Abortable, run: (container: Docker.Container, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
		return await this.#engine.call(
			`${verb} the machine ${this.name}`,
			(docker, abort) => run(docker.getContainer(this.id), abort),
			options,
		);
	}
}

async function unless304(answer: Promise<unknown>): Promise<void> {
	try {
		await answer;
	} catch (error) {
		if ((error as { statusCode?: number }).statusCode !== 304) throw error;
	}
}
