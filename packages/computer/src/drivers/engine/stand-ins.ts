/**
 * While a machine is rolled back it is two containers. The one that takes over and the one that goes have names of their own for a
 * moment, so that what a killed process leaves is told apart from a machine, and is still a machine when no other is left.
 */
import type { ContainerInfo } from "dockerode";
import type { Abortable } from "../../driver.js";
import { dropHeld } from "./checkpoint-images.js";
import { containerName } from "./container-options.js";
import type { Engine } from "./engine.js";
import { LABELS, machineName } from "./labels.js";
import { removeContainer } from "./remove-container.js";

/** The best first: what was to take over is complete, and it is there under this name alone only when the other is to go. */
const ROLES = ["rollback", "replaced"] as const;

export function standInName(role: (typeof ROLES)[number], name: string, token: string): string {
	return `lms-${role}-${name}-${token}`;
}

/** Of all containers that say they are the machine of that name, the one that is. A label can be copied, a name can not. */
export function chooseContainer<C extends Pick<ContainerInfo, "Names">>(containers: readonly C[], name: string): C | undefined {
	const patterns = [`/${containerName(name)}`, ...ROLES.map((role) => `/lms-${role}-${name}-`)];
	for (const [index, pattern] of patterns.entries()) {
		const found = containers.find(({ Names }) => Names.some((text) => (index === 0 ? text === pattern : isStandIn(text, pattern))));
		if (found !== undefined) return found;
	}
	return containers[0];
}

/** One for each machine. */
export function chooseEach<C extends Pick<ContainerInfo, "Names" | "Labels">>(containers: readonly C[]): readonly C[] {
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

/** What rollbacks that were cut short have left of a machine, but for the container that is to stay. */
export async function removeStandIns(engine: Engine, name: string, keepId: string, options: Abortable = {}): Promise<void> {
	const query = { all: true, filters: { label: [`${LABELS.own}=1`, `${LABELS.name}=${name}`] } };
	const found = await engine.call(
		`look for leftovers of ${name}`,
		(docker, abortSignal) => docker.listContainers({ ...query, abortSignal }),
		options,
	);
	for (const { Id, Names, Labels } of found) {
		if (!isAnyStandIn(Names, name) || Id === keepId) continue;
		await removeContainer(engine, Id, name, options);
		await dropHeld(engine, name, Labels);
	}
}
