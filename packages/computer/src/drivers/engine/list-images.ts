import { setTimeout as sleep } from "node:timers/promises";
import type { ImageInfo } from "dockerode";
import type { Abortable } from "../../driver.js";
import { type ComputerError, isComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { canceled } from "./deadline.js";
import type { Engine } from "./engine.js";

/** As Podman names an image without its own description. It has no tag yet either: that is given to it last. */
const UNFINISHED = /(?:image with ID|size "sha256:[0-9a-f]{64}" for) "([0-9a-f]{64})"[^"]*(?:file does not exist|size is not known)$/;

/**
 * An engine's images. Podman looks at each and at what it may be built upon, and its whole list fails when one of those goes meanwhile, whoever's it is.
 * It fails for good when a Podman before 4.6 was killed in the middle of a commit or a pull: the image is then there without its description.
 * Nobody can use, name or even see that one, so it is removed once it has been so for longer than any commit takes.
 */
export async function listImages(
	engine: Engine,
	action: string,
	query: { readonly all?: boolean; readonly filters?: Readonly<Record<string, readonly string[]>> },
	options: Abortable = {},
): Promise<readonly ImageInfo[]> {
	const unfinished = new Map<string, number>();
	let endMs = performance.now() + DEADLINES.imagesMs;
	for (let waitMs = 10; ; waitMs = Math.min(2 * waitMs, 500)) {
		try {
			return await engine.call(action, (docker, abortSignal) => docker.listImages({ ...query, abortSignal }), options);
		} catch (error) {
			if (!isComputerError(error, "image_not_found")) throw error;
			const id = unfinishedImage(error);
			if (id !== undefined) {
				const sinceMs = unfinished.get(id) ?? performance.now();
				unfinished.set(id, sinceMs);
				if (performance.now() - sinceMs > DEADLINES.unfinishedImageMs && (await removed(engine, id, options))) {
					endMs = performance.now() + DEADLINES.imagesMs;
				}
			}
			if (performance.now() > endMs) throw error;
		}
		await sleep(waitMs, undefined, { signal: options.signal }).catch(() => {
			throw canceled(action, options.signal);
		});
	}
}

function unfinishedImage({ context }: ComputerError): string | undefined {
	return UNFINISHED.exec(String(context["words"]))?.[1];
}

/** False when it was still there, or somebody else was quicker. */
async function removed(engine: Engine, id: string, options: Abortable): Promise<boolean> {
	try {
		await engine.call("remove an unfinished image", (docker, abortSignal) => docker.getImage(id).remove({ abortSignal }), options);
		return true;
	} catch {
		return false;
	}
}
