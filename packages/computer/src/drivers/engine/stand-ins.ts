/**
 * While a machine is rolled back it is two containers. The one that takes over and the one that goes have names of their own for a
 * moment, so that what a killed process leaves is told apart from a machine, and is still a machine when no other is left.
 */
import type { ContainerInfo, ContainerInspectInfo } from "dockerode";
import type { Abortable } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { dropHeld } from "./checkpoint-images.js";
import { containerName } from "./container-options.js";
import type { Engine } from "./engine.js";
import { inspectContainer } from "./inspect-container.js";
import { LABELS, machineName } from "./labels.js";
import { isWithoutFiles, listContainers } from "./list-containers.js";
import { removeContainer } from "./remove-container.js";

/** The best first: what was to take over is complete, and it is there under this name alone only when the other is to go. */
const ROLES = ["rollback", "replaced"] as const;

/** What an engine calls a container that it is removing, or could not remove. */
const GOING: ReadonlySet<string> = new Set(["dead", "removing"]);

/** No rollback takes longer from its container to that one's own name: it is five calls of an engine. */
const TAKING_OVER_MS = 5 * DEADLINES.engineMs;
/** Two in the same millisecond have different names. */
const SAME_MS = 16;

/** The later one comes later in the order of names. */
export function standInName(role: (typeof ROLES)[number], name: string): string {
	const token = Date.now() * SAME_MS + Math.floor(Math.random() * SAME_MS);
	return `lms-${role}-${name}-${token.toString(16).padStart(12, "0")}`;
}

/** It is to take over, and whoever made it may be about to give it the machine's name: from then on it is the machine. */
export function isTakingOver(names: readonly string[], name: string): boolean {
	const own = names.find((text) => isStandIn(text, `/lms-rollback-${name}-`));
	const ageMs = own === undefined ? Number.NaN : Date.now() - Number.parseInt(own.slice(-12), 16) / SAME_MS;
	return ageMs > -TAKING_OVER_MS && ageMs < TAKING_OVER_MS;
}

/**
 * Of all containers that say they are the machine of that name, the one that is. A label can be copied, a name can not. Of several that were to take over the latest
 * is: an earlier one was cut short, and the machine went on. One that is going is the last choice.
 */
export function chooseContainer<C extends Pick<ContainerInfo, "Names" | "State">>(containers: readonly C[], name: string): C | undefined {
	const staying = containers.filter(({ State }) => !GOING.has(State));
	const patterns = [`/${containerName(name)}`, ...ROLES.map((role) => `/lms-${role}-${name}-`)];
	for (const candidates of [staying, containers]) {
		for (const [index, pattern] of patterns.entries()) {
			const named = candidates.flatMap((container) => {
				const own = container.Names.find((text) => (index === 0 ? text === pattern : isStandIn(text, pattern)));
				return own === undefined ? [] : [{ container, own }];
			});
			const latest = named.sort((a, b) => (a.own < b.own ? 1 : -1))[0];
			if (latest !== undefined) return latest.container;
		}
		if (candidates[0] !== undefined) return candidates[0];
	}
	return undefined;
}

/** One for each machine. */
export function chooseEach<C extends Pick<ContainerInfo, "Names" | "Labels" | "State">>(containers: readonly C[]): readonly C[] {
	const names = new Set(containers.map(({ Names, Labels }) => machineName(Names, Labels)));
	return [...names].flatMap(
		(name) =>
			chooseContainer(
				containers.filter(({ Names, Labels }) => machineName(Names, Labels) === name),
				name,
			) ?? [],
	);
}

/** Whether it is there for the moment of a rollback or a rebuild alone. */
export function isAnyStandIn(names: readonly string[], name: string): boolean {
	return ROLES.some((role) => names.some((text) => isStandIn(text, `/lms-${role}-${name}-`)));
}

function isStandIn(name: string, prefix: string): boolean {
	return name.startsWith(prefix) && /^[0-9a-f]{12}$/.test(name.slice(prefix.length));
}

/**
 * The container of a machine, by the id that somebody holds. `machine_gone` when it was to go and another is the machine by now: whoever replaced it was
 * killed before its removal.
 */
export async function inspectMachine(engine: Engine, id: string, name: string, options: Abortable = {}): Promise<ContainerInspectInfo> {
	const container = await inspectContainer(engine, id, `inspect the machine ${name}`, options).catch(async (error: Error) => {
		if (!isWithoutFiles(error)) throw error;
		// Its removal was cut short.
		await removeContainer(engine, id, name, options);
		throw new ComputerError("machine_gone", `The machine ${name} was removed`, { context: { name }, cause: error });
	});
	if (isReplaced([`/${container.Name.replace(/^\//, "")}`], name)) expectChosen(await allOf(engine, name, options), name, id);
	return container;
}

/**
 * What rollbacks that were cut short have left of a machine, but for the container that is to stay: `machine_gone` when that is itself one of these.
 * @param all also of those that may go on, since the machine is to be gone
 */
export async function removeStandIns(
	engine: Engine,
	name: string,
	keepId: string,
	options: Abortable & { all?: boolean } = {},
): Promise<void> {
	const found = await allOf(engine, name, options);
	const kept = found.find(({ Id }) => Id === keepId);
	if (kept !== undefined && isReplaced(kept.Names, name)) expectChosen(found, name, keepId);
	for (const { Id, Names, Labels } of found) {
		if (!isAnyStandIn(Names, name) || Id === keepId || (!options.all && isTakingOver(Names, name))) continue;
		await removeContainer(engine, Id, name, options);
		await dropHeld(engine, name, Labels);
	}
}

/** `already_exists` when there is a machine of that name, also one that a rollback which was killed has left under another: an engine keeps the first name alone. */
export async function expectNone(engine: Engine, name: string, options: Abortable): Promise<void> {
	const found = chooseContainer(await allOf(engine, name, options), name);
	if (found === undefined || GOING.has(found.State)) return;
	throw new ComputerError("already_exists", `A machine named ${name} is there already`, { context: { name, id: found.Id } });
}

function expectChosen(containers: readonly ContainerInfo[], name: string, id: string): void {
	const chosen = chooseContainer(containers, name);
	if (chosen === undefined || chosen.Id === id) return;
	throw new ComputerError("machine_gone", `The machine ${name} is another container now`, { context: { name, id: chosen.Id } });
}

function isReplaced(names: readonly string[], name: string): boolean {
	return names.some((text) => isStandIn(text, `/lms-replaced-${name}-`));
}

async function allOf(engine: Engine, name: string, options: Abortable): Promise<readonly ContainerInfo[]> {
	const filters = { label: [`${LABELS.own}=1`, `${LABELS.name}=${name}`] };
	return await listContainers(engine, `look for leftovers of ${name}`, { all: true, filters }, options);
}
