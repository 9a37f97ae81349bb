/** Base images: what is here is used, what is not is pulled. */
import { createInterface } from "node:readline";
import type { ImageInspectInfo } from "dockerode";
import type { CreateOptions } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import type { EngineApi } from "./api.js";
import type { Engine } from "./engine.js";
import { Flights } from "./flights.js";
import { type PullEvent, PullProgress } from "./pull-progress.js";

const pulls = new Flights<void>("pull the image");

/** The image, pulled if it is not here. A local one is never pulled again. */
export async function ensureImage(engine: Engine, reference: string, options: CreateOptions): Promise<ImageInspectInfo> {
	if (!/^[\w][\w./:@-]*$/.test(reference)) {
		throw new ComputerError("invalid_argument", `An image reference was expected, such as ubuntu:24.04; got ${JSON.stringify(reference)}`);
	}
	const local = await findImage(engine, reference, options.signal);
	if (local) return local;
	await options.admitted;
	const pull = (onProgress: CreateOptions["onProgress"]) => pullImage(engine, reference, { ...options, onProgress });
	await pulls.run(`${JSON.stringify(engine.endpoint)} ${reference}`, pull, options);
	const pulled = await findImage(engine, reference, options.signal);
	if (pulled) return pulled;
	throw new ComputerError("image_not_found", `${engine.dialect.product} pulled ${reference} and does not know it afterwards`);
}

/** The local image under any of the names that the dialect gives the reference. */
export async function findImage(engine: Engine, reference: string, signal?: AbortSignal): Promise<ImageInspectInfo | undefined> {
	for (const name of engine.dialect.imageNames(withTag(reference))) {
		try {
			return await engine.call(`look for the image ${reference}`, (docker, abortSignal) => docker.getImage(name).inspect({ abortSignal }), {
				signal,
			});
		} catch (error) {
			if (!isComputerError(error, "image_not_found")) throw error;
		}
	}
	return undefined;
}

/** Without a tag the pull API fetches every tag there is. */
export function withTag(reference: string): string {
	const last = reference.slice(reference.lastIndexOf("/") + 1);
	return last.includes(":") || last.includes("@") || /^sha256:/.test(reference) ? reference : `${reference}:latest`;
}

async function pullImage(engine: Engine, reference: string, { signal, onProgress }: CreateOptions): Promise<void> {
	const message = `pulling ${reference}`;
	onProgress?.({ phase: "pull", message, fraction: 0 });
	const pull = async (docker: EngineApi, abortSignal: AbortSignal): Promise<void> => {
		const stream = await docker.createImage({ fromImage: withTag(reference), abortSignal });
		abortSignal.addEventListener("abort", () => stream.destroy(), { once: true });
		const progress = new PullProgress();
		for await (const line of createInterface({ input: stream })) {
			const event = parseEvent(line);
			const failure = event.errorDetail?.message ?? event.error;
			if (failure !== undefined) throw new Error(failure);
			const fraction = progress.add(event);
			if (fraction !== undefined) onProgress?.({ phase: "pull", message, fraction });
		}
	};
	try {
		await engine.call(`pull the image ${reference}`, pull, { signal, deadlineMs: Number.POSITIVE_INFINITY });
	} catch (error) {
		throw explainPull(error as ComputerError, reference);
	}
}

function parseEvent(line: string): PullEvent {
	try {
		return JSON.parse(line) as PullEvent;
	} catch {
		return {};
	}
}

/** Why an image can not be had, and the way out. Disk, abort and a dead engine keep their own codes. */
export function explainPull(error: ComputerError, reference: string): ComputerError {
	if (["canceled", "disk_full", "driver_unavailable", "connection_lost", "timeout"].includes(error.code)) return error;
	const words = String(error.context["words"] ?? error.message);
	const offline =
		/no such host|dial tcp|i\/o timeout|network is unreachable|connection refused|tls handshake|lookup |server misbehaving|deadline exceeded|pinging container registry/i;
	const denied = /unauthori[sz]ed|authentication required|no basic auth|denied|requires? '?docker login|forbidden/i;
	const platform = /no matching manifest|no image found in (manifest list|image index) for architecture/i;
	const hint = platform.test(words)
		? "That image is not made for this engine's architecture. Choose another image."
		: offline.test(words)
			? `The registry could not be reached. Check the network, or choose an image that is here already.`
			: denied.test(words)
				? `Check the name; if it is private, log in and pull it yourself (\`docker pull ${reference}\`): a local image is used as it is.`
				: "Check the name and the tag.";
	return new ComputerError("image_not_found", `The image ${reference} is not here and can not be pulled: ${words}`, {
		hint,
		context: { ...error.context, image: reference },
		cause: error,
	});
}
