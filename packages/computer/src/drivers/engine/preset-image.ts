/**
 * A prepared image with packages: installed once per base, agent and preset by a container that has a network, and committed. Every computer
 * with that preset then starts as fast as one without. See docs/decisions/0006-presets.md.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import type { ContainerCreateOptions } from "dockerode";
import type { CreateOptions, MachineSpec } from "../../driver.js";
import { ComputerError, type ErrorCode, isComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { ownerId } from "../ownership.js";
import { isEmpty, presetName } from "../preset-recipes.js";
import { confinement } from "./container-options.js";
import { describeEndpoint } from "./endpoint.js";
import type { Engine } from "./engine.js";
import { cleanWords } from "./errors.js";
import { Flights } from "./flights.js";
import { FrameReader } from "./frames.js";
import { findImage } from "./image.js";
import { LABELS } from "./labels.js";
import { isLabelled, PREPARED_RECIPE, type PreparedImage, REPOSITORY } from "./prepared-image.js";
import { PREPARED_LABELS, removeAbandoned, TEMPORARY_PREFIX } from "./prepared-leftovers.js";
import { recentFailure, rememberFailure } from "./preset-failures.js";
import { EXIT_NO_PACKAGES, EXIT_SCRIPT_FAILED, PRESET_RECIPE, presetScript } from "./preset-script.js";

/** Of the log, in an error. */
const MAX_LOG_BYTES = 4096;
/** What its engine keeps of it. */
const INSTALL_LOG_SIZE = "16m";
const PROGRESS_INTERVAL_MS = 100;
const MAX_PROGRESS_LENGTH = 100;

/** Not of the preset: the next one may have it, and this machine is not to be made either. */
const PASSING: ReadonlySet<ErrorCode> = new Set(["canceled", "limit_reached", "driver_unavailable", "connection_lost", "disk_full"]);

const flights = new Flights<string>("install the preset");

/** With the preset in it; or, where nobody asked for one and it can not be had, the image as it is and why. */
export async function withPreset(
	engine: Engine,
	spec: MachineSpec,
	prepared: PreparedImage,
	options: CreateOptions,
): Promise<PreparedImage> {
	if (isEmpty(spec.preset)) return prepared;
	const { name, packages, script, required } = spec.preset;
	const tag = createHash("sha256")
		.update(JSON.stringify([PRESET_RECIPE, PREPARED_RECIPE, prepared.baseId, prepared.agentHash, name, packages, script]))
		.digest("hex")
		.slice(0, 12);
	const labels = {
		[PREPARED_LABELS.own]: "1",
		[PREPARED_LABELS.base]: prepared.baseId,
		[PREPARED_LABELS.agent]: prepared.agentHash,
		[PREPARED_LABELS.preset]: presetName(spec.preset).slice(0, 200),
	};
	const key = `${describeEndpoint(engine.endpoint)} ${REPOSITORY}:${tag}`;
	try {
		const id = await flights.run(
			// Who insists does not join one that gives up at once.
			`${key} ${required}`,
			async (onProgress) => {
				const ready = await findImage(engine, `${REPOSITORY}:${tag}`, options.signal);
				if (ready && isLabelled(ready, labels)) return ready.Id;
				const failed = required ? undefined : await recentFailure(key);
				if (failed !== undefined) throw new ComputerError("machine_failed", failed, { context: { remembered: true } });
				return await install(engine, spec, prepared, tag, labels, { ...options, onProgress });
			},
			options,
		);
		return { ...prepared, id };
	} catch (error) {
		if (required || !isComputerError(error) || PASSING.has(error.code)) throw error;
		if (error.context["remembered"] !== true) await rememberFailure(key, error.message);
		return { ...prepared, lacks: error.message };
	}
}

async function install(
	engine: Engine,
	spec: MachineSpec,
	prepared: PreparedImage,
	tag: string,
	labels: Readonly<Record<string, string>>,
	options: CreateOptions,
): Promise<string> {
	const { signal, onProgress } = options;
	const action = `install the preset ${presetName(spec.preset)}`;
	const message = `installing ${presetName(spec.preset)} into ${spec.image}, once`;
	const facts = await engine.facts(options);
	if (!facts.capabilities.installPresets) throw noNetwork(spec);
	onProgress?.({ phase: "prepare", message });
	await removeAbandoned(engine, signal);
	const { logConfig } = engine.dialect;
	const create: ContainerCreateOptions = {
		name: `${TEMPORARY_PREFIX}${tag}-${randomBytes(4).toString("hex")}`,
		Image: prepared.id,
		Labels: { ...labels, [LABELS.owner]: await ownerId() },
		Entrypoint: ["/bin/sh"],
		Cmd: ["-c", presetScript(spec.preset)],
		User: "0:0",
		WorkingDir: "/",
		Healthcheck: { Test: ["NONE"] },
		HostConfig: {
			...confinement(engine.dialect, spec, facts),
			// A small one is cut under the reader when much is said at once.
			LogConfig: { ...logConfig, Config: { ...logConfig.Config, "max-size": INSTALL_LOG_SIZE } },
			NetworkMode: facts.openNetworkMode,
			...(spec.dns.length > 0 ? { Dns: [...spec.dns] } : {}),
		},
	};
	// Not the caller's signal: a request given up halfway can leave a container whose id nobody knows.
	const { id } = await engine.call(action, (docker, abortSignal) => docker.createContainer({ ...create, abortSignal }));
	try {
		await engine
			.call(action, (docker, abortSignal) => docker.getContainer(id).start({ abortSignal }), { signal })
			.catch((error: ComputerError) => {
				throw /\/bin\/sh/.test(error.message) ? noShell(spec, error) : error;
			});
		const log = new InstallLog((line) => onProgress?.({ phase: "prepare", message: `${message}: ${line}` }));
		const deadlineMs = spec.preset.required ? DEADLINES.presetMs : DEADLINES.defaultPresetMs;
		const code = await engine.call(
			action,
			async (docker, abortSignal) => {
				const container = docker.getContainer(id);
				const stream = await container.followLogs({ stdout: true, stderr: true, abortSignal });
				abortSignal.addEventListener("abort", () => stream.destroy(), { once: true });
				// What it says is for people: how it ends is its exit code.
				await log.read(stream).catch(() => {});
				return (await container.wait({ abortSignal })).StatusCode;
			},
			{ signal, deadlineMs },
		);
		if (code !== 0) throw failure(spec, code, log.end);
		const commit = { repo: REPOSITORY, tag, comment: "made by lms-computer", pause: false };
		const committed = await engine.call(action, (docker, abortSignal) => docker.getContainer(id).commit({ ...commit, abortSignal }), {
			deadlineMs: DEADLINES.checkpointMs,
		});
		return committed.Id;
	} finally {
		await engine
			.call(action, (docker, abortSignal) => docker.getContainer(id).remove({ force: true, v: true, abortSignal }))
			.catch(() => {});
	}
}

/** What an installation says: the last line now and then, the end for an error. */
class InstallLog {
	readonly #onLine: (line: string) => void;
	#end = "";
	#told = 0;

	constructor(onLine: (line: string) => void) {
		this.#onLine = onLine;
	}

	get end(): string {
		return this.#end.trim();
	}

	async read(stream: Readable): Promise<void> {
		const frames = new FrameReader((_, part) => this.#take(part.toString("utf8")));
		for await (const chunk of stream) frames.push(chunk as Buffer);
	}

	#take(text: string): void {
		this.#end = (this.#end + text).slice(-MAX_LOG_BYTES);
		if (Date.now() - this.#told < PROGRESS_INTERVAL_MS) return;
		// The last one that is whole.
		const line = cleanWords(this.#end.split(/[\r\n]+/).findLast((one, i, all) => i < all.length - 1 && one.trim() !== "") ?? "");
		if (line === "") return;
		this.#told = Date.now();
		this.#onLine(line.slice(0, MAX_PROGRESS_LENGTH));
	}
}

function noShell(spec: MachineSpec, cause: ComputerError): ComputerError {
	return new ComputerError("not_supported", `The preset ${presetName(spec.preset)} can not be installed: ${spec.image} has no /bin/sh`, {
		hint: "Choose an image with a shell; a computer runs commands with it.",
		context: { image: spec.image },
		cause,
	});
}

function noNetwork(spec: MachineSpec): ComputerError {
	return new ComputerError(
		"not_supported",
		`The preset ${presetName(spec.preset)} can not be installed: this engine runs without root and has no program for a network`,
		{
			hint: "Install slirp4netns or passt and let your user open /dev/net/tun, or choose an image that has the programs together with the preset `none`.",
			context: { image: spec.image },
		},
	);
}

function failure(spec: MachineSpec, exitCode: number, log: string): ComputerError {
	const preset = presetName(spec.preset);
	const context = { image: spec.image, preset, exitCode, log };
	if (exitCode === EXIT_NO_PACKAGES) {
		const system = cleanWords(log.split("\n").at(-1) ?? "");
		return new ComputerError(
			"not_supported",
			`The preset ${preset} can not be installed: ${spec.image} (${system}) has neither apt-get nor apk`,
			{
				hint: "Choose an image of Debian, Ubuntu or Alpine, or one that has the programs already together with the preset `none`.",
				context,
			},
		);
	}
	const what = exitCode === EXIT_SCRIPT_FAILED ? "its script failed" : `the package manager ended with ${exitCode}`;
	const words = cleanWords(log.split("\n").slice(-8).join("\n"));
	return new ComputerError("machine_failed", `The preset ${preset} could not be installed into ${spec.image}: ${what}: ${words}`, {
		hint:
			exitCode === EXIT_SCRIPT_FAILED
				? "Correct the script; it runs as root, with a network, after the packages."
				: "Look whether containers of this engine reach the network and the system's package registry and whether the packages have these names; or use the preset `none`.",
		context,
	});
}
