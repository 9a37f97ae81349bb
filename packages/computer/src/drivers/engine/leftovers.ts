/** What of ours is on an engine that nobody needs: see docs/decisions/0007-ownership-and-life.md. */
import type { ContainerInfo, ImageInfo } from "dockerode";
import type { Abortable, Leftover, MachineSpec } from "../../driver.js";
import { isComputerError } from "../../errors/index.js";
import { COMPARED_PATTERN, LIFE } from "../../limits.js";
import { agentHash } from "../agent-binary.js";
import { ownerId } from "../ownership.js";
import { changedContainers, forgetChanges } from "./changed-settings.js";
import { allTags, dropTag, isNameless, plainId } from "./checkpoint-images.js";
import { containerName } from "./container-options.js";
import type { Engine } from "./engine.js";
import { LABELS, machineName } from "./labels.js";
import { listContainers } from "./list-containers.js";
import { listImages } from "./list-images.js";
import { ABANDONED_MS, isOlder, PREPARED_LABELS, TEMPORARY_PREFIX } from "./prepared-leftovers.js";
import { removeContainer } from "./remove-container.js";
import { isAnyStandIn, isTakingOver } from "./stand-ins.js";
import { unlistedContainers } from "./unlisted.js";

export async function findLeftovers(engine: Engine, options: Abortable): Promise<readonly Leftover[]> {
	const owner = await ownerId();
	const [machines, unfinished, temporary, images, kept, changed] = await Promise.all([
		ours(engine, { label: [`${LABELS.own}=1`] }, options),
		unlistedContainers(engine, options),
		ours(engine, { label: [`${PREPARED_LABELS.own}=1`, `${LABELS.owner}=${owner}`] }, options),
		// All of them: what is built upon what counts.
		listImages(engine, "look for leftovers", { all: true }, options),
		allTags(engine, options),
		changedContainers(engine.dialect),
	]);
	const driver = engine.dialect.name;
	const container = (found: ContainerInfo, kind: Leftover["kind"], why: string): Leftover => ({
		driver,
		kind,
		what: plainName(found),
		why,
		remove: (o) => removeContainer(engine, found.Id, nameOf(found), o),
	});
	const dead = machines.flatMap((found) => {
		const why = found.Labels[LABELS.owner] === owner ? whyDead(found, machines) : undefined;
		return why === undefined ? [] : [container(found, "machine", why)];
	});
	// Images are removed after the machines: what only those that go are made from goes too.
	const staying = machines.filter((found) => !dead.some(({ what }) => what === plainName(found)));
	const names = new Set(staying.map(nameOf));
	const held = new Set(staying.map(({ Labels }) => Labels[LABELS.held]));
	return [
		...dead,
		...unfinished
			.filter(({ createdSeconds }) => isOlder(createdSeconds, LIFE.abandonedMs))
			.map(({ id, name }): Leftover => {
				const why = "its engine was killed before it was made";
				return { driver, kind: "container", what: name, why, remove: (o) => removeContainer(engine, id, name, o) };
			}),
		...temporary
			.filter((found) => plainName(found).startsWith(TEMPORARY_PREFIX) && isOlder(found.Created, ABANDONED_MS))
			.map((found) => container(found, "container", "an image was to be prepared with it")),
		...kept.flatMap((tag): Leftover[] => {
			const unneeded = !names.has(tag.name) || (tag.kind === "machine" && !held.has(tag.token));
			if (!unneeded || tag.labels[LABELS.owner] !== owner || !isOlder(tag.createdSeconds, LIFE.abandonedMs)) return [];
			const why = names.has(tag.name) ? "no machine is made from it any more" : `the computer ${tag.name} is gone`;
			return [
				{ driver, kind: "image", what: `lms-computer/${tag.kind}:${tag.name}.${tag.token}`, why, remove: () => dropTag(engine, tag) },
			];
		}),
		...unneededImages(images, staying, owner).map(
			([image, why]): Leftover => ({
				driver,
				kind: "image",
				what: (isNameless(image) ? undefined : image.RepoTags?.[0]) ?? plainId(image.Id).slice(0, 12),
				why,
				sizeBytes: image.Size,
				remove: (o) => removeImage(engine, image.Id, o),
			}),
		),
		...changed
			.filter((id) => !machines.some(({ Id }) => Id === id))
			.map(
				(id): Leftover => ({
					driver,
					kind: "record",
					what: `changed/${driver}/${id.slice(0, 12)}`,
					why: "its container is gone",
					remove: () => forgetChanges(engine.dialect, id),
				}),
			),
	];
}

/**
 * Ephemeral machines that ended when their engine could not remove them; and images of such, when the next ephemeral one is made: it alone is to wait for
 * that. Best effort.
 */
export async function removeDead(engine: Engine, spec: MachineSpec, options: Abortable): Promise<void> {
	try {
		const [owner, all] = await Promise.all([ownerId(), ours(engine, { label: [`${LABELS.own}=1`] }, options)]);
		await engine.dialect.afterRemove?.();
		for (const found of all) {
			const isEphemeral = found.Labels[LABELS.owner] === owner && found.Labels[LABELS.persistence] === "ephemeral";
			if (isEphemeral && hasEnded(found)) await removeContainer(engine, found.Id, nameOf(found), options);
		}
		if (spec.persistence !== "ephemeral") return;
		const names = new Set(all.map(nameOf));
		for (const tag of await allTags(engine, options)) {
			const isEphemeral = tag.labels[LABELS.owner] === owner && tag.labels[LABELS.persistence] === "ephemeral";
			if (isEphemeral && !names.has(tag.name) && isOlder(tag.createdSeconds, 2 * LIFE.unclaimedMs)) await dropTag(engine, tag);
		}
	} catch {
		// They are leftovers then.
	}
}

function whyDead(found: ContainerInfo, all: readonly ContainerInfo[]): string | undefined {
	const name = nameOf(found);
	if (isAnyStandIn(found.Names, name)) {
		if (isTakingOver(found.Names, name)) return undefined;
		const isThere = all.some((other) => plainName(other) === containerName(name));
		return isThere ? "a rollback or a rebuild of it was cut short" : undefined;
	}
	const isEphemeral = found.Labels[LABELS.persistence] === "ephemeral";
	if (isEphemeral && hasEnded(found)) return "it was ephemeral and has ended";
	if (!isOlder(found.Created, LIFE.abandonedMs)) return undefined;
	if (isEphemeral && COMPARED_PATTERN.test(name)) return "a comparison with a checkpoint was cut short";
	return found.State === "created" || found.State === "configured" ? "its making was cut short: it never ran" : undefined;
}

/** It does not run, and is not just being made. */
function hasEnded({ State, Created }: ContainerInfo): boolean {
	return State !== "running" && State !== "paused" && isOlder(Created, 2 * LIFE.unclaimedMs);
}

/** And why. The engine refuses to remove what others build upon; these are not even tried. */
function unneededImages(
	images: readonly ImageInfo[],
	machines: readonly ContainerInfo[],
	owner: string,
): readonly (readonly [ImageInfo, string])[] {
	const current = new Set<string | undefined>([agentHash("amd64"), agentHash("arm64")]);
	const used = new Set([...machines.map(({ ImageID }) => plainId(ImageID)), ...images.map(({ ParentId }) => plainId(ParentId))]);
	const there = new Set(images.map(({ Id }) => plainId(Id)));
	return images.flatMap((image): (readonly [ImageInfo, string])[] => {
		const labels: Readonly<Record<string, string>> = image.Labels ?? {};
		if (labels[LABELS.owner] !== owner || used.has(plainId(image.Id)) || !isOlder(image.Created, LIFE.abandonedMs)) return [];
		if (isNameless(image)) return [[image, "its engine was killed before it had a name"]];
		const isCurrent = current.has(labels[PREPARED_LABELS.agent]) && there.has(plainId(labels[PREPARED_LABELS.base] ?? ""));
		if (labels[PREPARED_LABELS.own] !== "1" || isCurrent) return [];
		return [[image, "it was prepared for another version of lms-computer, or for an image that is gone"]];
	});
}

async function removeImage(engine: Engine, id: string, options: Abortable = {}): Promise<void> {
	await engine
		.call("remove an image", (docker, abortSignal) => docker.getImage(id).remove({ abortSignal }), options)
		.catch((error: unknown) => {
			if (!isComputerError(error, "image_not_found")) throw error;
		});
}

function nameOf({ Names, Labels }: ContainerInfo): string {
	return machineName(Names, Labels);
}

function plainName({ Names }: ContainerInfo): string {
	return (Names[0] ?? "").replace(/^\//, "");
}

async function ours(engine: Engine, filters: Record<string, string[]>, options: Abortable): Promise<readonly ContainerInfo[]> {
	return await listContainers(engine, "look for leftovers", { all: true, filters }, options);
}
