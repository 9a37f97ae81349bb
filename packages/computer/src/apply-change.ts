/** Makes one change of a computer that runs. */
import type { AgentLink } from "./agent/link.js";
import { type Change, type LiveKey, needsRebuild } from "./changes.js";
import type { Abortable, MachineSpec } from "./driver.js";
import { isComputerError } from "./errors/index.js";
import type { Slot } from "./slot.js";

export interface Applied {
	/** For people: what was changed, or why it could not be. One that can not be had is no reason against others. */
	readonly what: string;
	/** Only a rebuild changes it. */
	readonly outdated: boolean;
}

export async function applyChange(
	slot: Slot,
	link: AgentLink,
	change: Change<LiveKey>,
	spec: MachineSpec,
	options: Abortable,
): Promise<Applied> {
	const { key, word, has, wanted } = change;
	try {
		if (key === "network") await slot.setNetwork(spec.network, options);
		else await slot.reconfigure({ [key]: spec[key] }, options);
		if (key === "idleStopMs") await tellIdleStop(link, spec.idleStopMs, options);
		return { what: `${word}: ${wanted} from now on, ${has} before`, outdated: false };
	} catch (error) {
		if (!isComputerError(error) || error.code === "canceled" || error.code === "machine_gone") throw error;
		if (error.context["rebuild"] === true) return { what: needsRebuild(change), outdated: true };
		return { what: `${word}: ${has} stays, ${wanted} could not be set: ${error.message}`, outdated: false };
	}
}

async function tellIdleStop(link: AgentLink, idleStopMs: number, { signal }: Abortable): Promise<void> {
	const connection = await link.get(signal);
	await connection.json("PUT", "/v1/life", { idleStopMs }, signal);
	await connection.rouse();
}
