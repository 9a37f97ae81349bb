/**
 * Base image plus agent: made once per base and agent, so that a new machine pays nothing. The agent goes in before anything of the
 * image ever ran: putting archives into a container that has run guest code can be raced with symlinks (CVE-2018-15664).
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ImageInspectInfo } from "dockerode";
import type { CreateOptions } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { GUEST_AGENT, GUEST_HOME } from "../../limits.js";
import { type AgentArch, agentBinary, agentHash } from "../agent-binary.js";
import { ownerId } from "../ownership.js";
import type { EngineContainer } from "./api.js";
import type { Engine } from "./engine.js";
import { Flights } from "./flights.js";
import { findImage } from "./image.js";
import { LABELS } from "./labels.js";
import { PREPARED_LABELS, removeAbandoned, removeSuperseded, TEMPORARY_PREFIX } from "./prepared-leftovers.js";

export const REPOSITORY = "lms-computer/prepared";
/** To be raised when what is put into an image changes. */
export const PREPARED_RECIPE = "1";

const flights = new Flights<PreparedImage>("prepare the image");

export interface PreparedImage {
	readonly id: string;
	readonly agentHash: string;
	/** Of the image as it came. */
	readonly baseId: string;
	/** The base's own PATH, if it has one. */
	readonly path: string | undefined;
	/** Why the preset that nobody asked for is not in it. */
	readonly lacks?: string;
}

export async function prepareImage(engine: Engine, base: ImageInspectInfo, options: CreateOptions): Promise<PreparedImage> {
	const arch = architectureOf(base);
	const hash = agentHash(arch);
	const tag = createHash("sha256").update(`${PREPARED_RECIPE}\n${base.Id}\n${hash}`).digest("hex").slice(0, 12);
	const name = `${REPOSITORY}:${tag}`;
	const labels = { [PREPARED_LABELS.own]: "1", [PREPARED_LABELS.base]: base.Id, [PREPARED_LABELS.agent]: hash };
	const own = { ...labels, [LABELS.owner]: await ownerId() };
	const path = base.Config?.Env?.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
	const same = { agentHash: hash, baseId: base.Id, path };
	const run = async (onProgress: CreateOptions["onProgress"]): Promise<PreparedImage> => {
		const ready = await findImage(engine, name, options.signal);
		if (ready && isLabelled(ready, labels)) return { id: ready.Id, ...same };
		onProgress?.({ phase: "prepare", message: "preparing the image" });
		return { id: await makeImage(engine, base, arch, tag, own, options.signal), ...same };
	};
	return await flights.run(`${JSON.stringify(engine.endpoint)} ${name}`, run, options);
}

function architectureOf(base: ImageInspectInfo): AgentArch {
	const { Os: os, Architecture: arch } = base;
	if (os === "linux" && (arch === "amd64" || arch === "arm64")) return arch;
	throw new ComputerError("not_supported", `An image for linux/amd64 or linux/arm64 was expected; this one is for ${os}/${arch}`, {
		hint: "Choose another image, or pull the one for another platform.",
		context: { os, arch, image: base.Id },
	});
}

export function isLabelled(image: ImageInspectInfo, labels: Readonly<Record<string, string>>): boolean {
	const has: Readonly<Record<string, string>> = image.Config?.Labels ?? {};
	return Object.entries(labels).every(([key, value]) => has[key] === value);
}

async function makeImage(
	engine: Engine,
	base: ImageInspectInfo,
	arch: AgentArch,
	tag: string,
	labels: Readonly<Record<string, string>>,
	signal: AbortSignal | undefined,
): Promise<string> {
	const action = "prepare the image";
	const create = {
		name: `${TEMPORARY_PREFIX}${tag}-${randomBytes(4).toString("hex")}`,
		Image: base.Id,
		Labels: labels,
		NetworkDisabled: true,
		// A container needs something to run, though this one never does; an image from a tar file may have nothing.
		...(base.Config?.Cmd?.length || base.Config?.Entrypoint?.length ? {} : { Cmd: ["/bin/sh"] }),
	};
	await removeAbandoned(engine, signal);
	// Not the caller's signal: a request given up halfway can leave a container whose id nobody knows.
	const container = await engine.call(action, (docker, abortSignal) => docker.createContainer({ ...create, abortSignal }));
	try {
		const missing = await missingDirectories(engine, container.id, signal);
		await engine.call(action, (docker, abortSignal) => putAgent(docker.getContainer(container.id), arch, missing, abortSignal), { signal });
		const commit = { repo: REPOSITORY, tag, comment: "made by lms-computer", pause: false };
		const committed = await engine.call(
			action,
			(docker, abortSignal) => docker.getContainer(container.id).commit({ ...commit, abortSignal }),
			{ signal },
		);
		await removeSuperseded(engine, base.Id, labels[PREPARED_LABELS.agent] ?? "", committed.Id);
		return committed.Id;
	} finally {
		await engine
			.call(action, (docker, abortSignal) => docker.getContainer(container.id).remove({ force: true, v: true, abortSignal }))
			.catch(() => {});
	}
}

/** Those of the home's directories that the base lacks; what it has keeps its owner and mode. */
async function missingDirectories(engine: Engine, id: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
	const parents = GUEST_HOME.split("/")
		.slice(1)
		.map((_, index, all) => `/${all.slice(0, index + 1).join("/")}`);
	const missing: string[] = [];
	for (const path of parents) {
		try {
			await engine.call(
				`look for ${path} in the image`,
				(docker, abortSignal) => docker.getContainer(id).infoArchive({ path, abortSignal }),
				{ signal },
			);
		} catch (error) {
			// The same status for a missing container; that one shows itself in the next request.
			if (!isComputerError(error, "machine_gone")) throw error;
			missing.push(path);
		}
	}
	return missing;
}

async function putAgent(
	container: EngineContainer,
	arch: AgentArch,
	directories: readonly string[],
	abortSignal: AbortSignal,
): Promise<void> {
	const binary = agentBinary(arch);
	const { size } = await stat(binary);
	// Loaded by the one process that makes an image.
	const archive = (await import("tar-stream")).pack();
	const sent = container.putArchive(Readable.from(archive), { path: "/", abortSignal });
	// Entries are read only while the archive is being sent, so both go at once; the first failure ends the other.
	const filled = (async () => {
		const agent = GUEST_AGENT.slice(1);
		archive.entry({ name: `${agent.slice(0, agent.lastIndexOf("/"))}/`, type: "directory", mode: 0o755 });
		for (const path of directories) archive.entry({ name: `${path.slice(1)}/`, type: "directory", mode: 0o755 });
		await pipeline(createReadStream(binary), archive.entry({ name: agent, mode: 0o755, size }));
		archive.finalize();
	})();
	filled.catch((error: Error) => archive.destroy(error));
	sent.catch(() => archive.destroy());
	await Promise.all([sent, filled]);
}
