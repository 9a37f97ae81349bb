/**
 * Checkpoints as images. A tag says who needs an image: `checkpoint:NAME.ID` the user, `machine:NAME.TOKEN` the container made from it.
 * An image goes with its last tag, so taking a checkpoint away never breaks a machine that was rolled back to it or forked from it.
 */
import { randomBytes } from "node:crypto";
import type { ImageInfo, ImageInspectInfo } from "dockerode";
import type { Abortable, Checkpoint } from "../../driver.js";
import { ComputerError, isComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import type { Engine } from "./engine.js";
import { isFrozen, untilThawed } from "./frozen.js";
import { inspectContainer } from "./inspect-container.js";
import { LABELS } from "./labels.js";
import { listImages } from "./list-images.js";
import type { PreparedImage } from "./prepared-image.js";
import { PREPARED_LABELS } from "./prepared-leftovers.js";
import { whileSaving } from "./saving.js";

const CHECKPOINT_LABELS = {
	own: "lms-computer.checkpoint",
	id: "lms-computer.checkpoint.id",
	/** Base64url: the caller's words are not to be read as instructions of a Dockerfile. */
	label: "lms-computer.checkpoint.label",
	/** Unix time in ms. */
	time: "lms-computer.checkpoint.time",
} as const;

const REPOSITORY = "lms-computer";
/** Podman puts a registry in front. */
const TAG = /(?:^|\/)lms-computer\/(checkpoint|machine):([a-z0-9_.-]+)\.([0-9a-f]{12})$/;

const TOKEN = /^[0-9a-f]{12}$/;

type Kind = "checkpoint" | "machine";

/** One of our tags and the image it is on. */
export interface Tag {
	readonly kind: Kind;
	/** Of the computer. */
	readonly name: string;
	/** A checkpoint's id; of a machine anything that no other has. */
	readonly token: string;
	readonly imageId: string;
	readonly labels: Readonly<Record<string, string>>;
}

export interface StoredTag extends Tag {
	/** Of its image, Unix time. */
	readonly createdSeconds: number;
}

export function newToken(): string {
	return randomBytes(6).toString("hex");
}

function reference(tag: Pick<Tag, "kind" | "name" | "token">): string {
	return `${REPOSITORY}/${tag.kind}:${tag.name}.${tag.token}`;
}

/** Every tag that keeps something for the computer of that name. */
export async function tagsOf(engine: Engine, name: string, options: Abortable = {}): Promise<readonly Tag[]> {
	return (await allTags(engine, options)).filter((tag) => tag.name === name);
}

/** Every tag that keeps something for a computer. */
export async function allTags(engine: Engine, options: Abortable = {}): Promise<readonly StoredTag[]> {
	const query = { filters: { label: [`${CHECKPOINT_LABELS.own}=1`] } };
	return (await listImages(engine, "list the checkpoints", query, options)).flatMap(readTags);
}

function readTags({ Id, RepoTags, Labels, Created }: ImageInfo): StoredTag[] {
	return (RepoTags ?? []).flatMap((text) => {
		const [, kind, name, token] = TAG.exec(text) ?? [];
		if (kind === undefined || name === undefined || token === undefined) return [];
		return [{ kind: kind as Kind, name, token, imageId: plainId(Id), labels: Labels ?? {}, createdSeconds: Created }];
	});
}

/** Made by a commit whose engine was killed before it gave the name, or kept for what others build upon it. */
export function isNameless({ RepoTags, Labels }: ImageInfo): boolean {
	return Labels?.[CHECKPOINT_LABELS.own] === "1" && (RepoTags ?? []).every((name) => name === "<none>:<none>");
}

/** Docker puts the hash's name in front of some ids, Podman of others. */
export function plainId(id: string): string {
	return id.replace(/^sha256:/, "");
}

export function toCheckpoint({ token, labels }: Pick<Tag, "token" | "labels">): Checkpoint {
	return {
		id: token,
		label: Buffer.from(labels[CHECKPOINT_LABELS.label] ?? "", "base64url").toString("utf8"),
		createdAt: Number(labels[CHECKPOINT_LABELS.time]) || 0,
	};
}

/** What the topmost layer takes: the engine shares the others with what the machine was made from. Undefined when somebody else has removed it since. */
export async function ownBytes(engine: Engine, imageId: string, options: Abortable = {}): Promise<number | undefined> {
	const history = await engine
		.call("look at a checkpoint", (docker, abortSignal) => docker.getImage(imageId).history({ abortSignal }), options)
		.catch((error: unknown) => {
			if (!isComputerError(error, "image_not_found")) throw error;
		});
	const size = history?.[0]?.Size;
	return typeof size === "number" ? size : undefined;
}

/** An image of the container's files as they are, under that tag. The engine freezes the container meanwhile. */
export async function commitFiles(
	engine: Engine,
	containerId: string,
	tag: Pick<Tag, "kind" | "name" | "token">,
	label: string,
): Promise<Tag> {
	const labels: Record<string, string> = {
		[LABELS.name]: tag.name,
		[CHECKPOINT_LABELS.own]: "1",
		[CHECKPOINT_LABELS.id]: tag.token,
		[CHECKPOINT_LABELS.label]: Buffer.from(label).toString("base64url"),
		[CHECKPOINT_LABELS.time]: String(Date.now()),
		// A commit takes the container's labels over, and those the prepared image's: as one it would be cleared away after a day.
		[PREPARED_LABELS.own]: "0",
	};
	const changes = Object.entries(labels).map(([key, value]) => `LABEL ${key}="${value}"`);
	const commit = {
		repo: `${REPOSITORY}/${tag.kind}`,
		tag: `${tag.name}.${tag.token}`,
		comment: "made by lms-computer",
		changes: changes.join("\n"),
	};
	// Not the caller's signal: Docker finishes a commit that nobody waits for.
	const save = async (pause: boolean) =>
		await whileLayersGo(() =>
			engine.call(
				`save the files of ${tag.name}`,
				(docker, abortSignal) => docker.getContainer(containerId).commit({ ...commit, pause, abortSignal }),
				{ deadlineMs: DEADLINES.checkpointMs },
			),
		);
	const { Id } = await whileSaving(engine.dialect, containerId, () =>
		save(true).catch(async (error: ComputerError) => {
			// An ordinary user's Podman with cgroups of version 1 has none that it could freeze: files are then saved as they are met.
			if (/can ?not pause/i.test(error.message)) return await save(false);
			// A service that was killed while it saved the files has left it standing still, and what stands still can not be frozen.
			const look = () => inspectContainer(engine, containerId, `look at the machine ${tag.name}`);
			if (!(await isFrozen(engine, await look()))) throw error;
			await untilThawed(engine, look);
			return await save(true);
		}),
	);
	return { ...tag, imageId: plainId(Id), labels };
}

/**
 * Files that are the same are one layer in Podman's store, whose ever they are, and that goes with the last image that has it: also where it was found there for
 * an image that is not yet made.
 */
async function whileLayersGo<T>(save: () => Promise<T>): Promise<T> {
	for (const endMs = performance.now() + DEADLINES.imagesMs; ; ) {
		try {
			return await save();
		} catch (error) {
			if (!/copying layers and metadata .*layer not known/.test((error as Error).message) || performance.now() > endMs) throw error;
		}
	}
}

/** Keeps an image for a machine that is to be made from it. */
export async function holdImage(engine: Engine, imageId: string, name: string, options: Abortable = {}): Promise<Tag> {
	const tag = { kind: "machine", name, token: newToken(), imageId, labels: {} } as const;
	const query = { repo: `${REPOSITORY}/machine`, tag: `${name}.${tag.token}` };
	await engine
		.call("keep a checkpoint", (docker, abortSignal) => docker.getImage(imageId).tag({ ...query, abortSignal }), options)
		.catch((error: unknown) => {
			throw isComputerError(error, "image_not_found") ? noCheckpoint(name) : error;
		});
	return tag;
}

/** An image of a machine's files, by its id or a tag. */
export async function keptImage(engine: Engine, name: string, options: Abortable = {}): Promise<ImageInspectInfo> {
	return await engine.call("look at a checkpoint", (docker, abortSignal) => docker.getImage(name).inspect({ abortSignal }), options);
}

/** What a container can be made from that has it. */
export function preparedFrom(image: ImageInspectInfo, labels: Readonly<Record<string, string>>): Omit<PreparedImage, "baseId"> {
	const path = image.Config.Env?.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
	const { [LABELS.agent]: agentHash = "", [LABELS.lacks]: lacks = "" } = labels;
	return { id: plainId(image.Id), agentHash, path, lacks };
}

/** The image of one checkpoint. Asked for by its tag: a list of all images takes an engine ten times as long. */
export async function findCheckpoint(engine: Engine, name: string, id: string, options: Abortable = {}): Promise<ImageInspectInfo> {
	if (!TOKEN.test(id)) throw noCheckpoint(name, id);
	const image = await keptImage(engine, reference({ kind: "checkpoint", name, token: id }), options).catch((error: unknown) => {
		throw isComputerError(error, "image_not_found") ? noCheckpoint(name, id) : error;
	});
	if (image.Config.Labels?.[CHECKPOINT_LABELS.own] !== "1") throw noCheckpoint(name, id);
	return image;
}

/** Idempotent. Where others build upon the image the engine keeps it, nameless, until they are gone. */
export async function dropTag(engine: Engine, tag: Pick<Tag, "kind" | "name" | "token">): Promise<void> {
	await engine
		.call("remove a checkpoint", (docker, abortSignal) => docker.getImage(reference(tag)).remove({ abortSignal }), {
			deadlineMs: DEADLINES.checkpointMs,
		})
		.catch((error: unknown) => {
			if (!isComputerError(error, "image_not_found")) throw error;
		});
}

/** What a container was made from is not needed once it is gone. */
export async function dropHeld(engine: Engine, name: string, labels: Readonly<Record<string, string>>): Promise<void> {
	const token = labels[LABELS.held] ?? "";
	if (TOKEN.test(token)) await dropTag(engine, { kind: "machine", name, token });
}

/** All that is kept for a computer, but for what is excepted, and what another container of it is about to be: that goes with it. */
export async function dropTags(engine: Engine, name: string, keep: (tag: Tag) => boolean = () => false): Promise<void> {
	// One after the other: engines lock their image store, and removing a parent beside its child can fail.
	for (const tag of await tagsOf(engine, name)) {
		if (keep(tag)) continue;
		await dropTag(engine, tag).catch((error: unknown) => {
			if (!isComputerError(error, "busy")) throw error;
		});
	}
}

function noCheckpoint(name: string, id?: string): ComputerError {
	const which = id === undefined ? "that checkpoint" : `a checkpoint ${JSON.stringify(id.slice(0, 60))}`;
	return new ComputerError("not_found", `The computer ${name} was expected to have ${which}; it has not`, {
		hint: "List its checkpoints: the oldest ones go when there are too many.",
		context: { name, ...(id === undefined ? {} : { checkpoint: id }) },
	});
}
