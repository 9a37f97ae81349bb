/** Between an open network and none while everything goes on: a container is taken out of one network of the engine's and put into another. */
import { readFile } from "node:fs/promises";
import type { ContainerInspectInfo } from "dockerode";
import type { Abortable, MachineSpec } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import type { Engine } from "./engine.js";

type Network = MachineSpec["network"];

const NONE = "none";

/** Networks that an ordinary user's Podman makes for one container alone: nothing can be put into them, or taken out. */
const PRIVATE = /^(slirp4netns|pasta)/;

/** What a container has now; its labels say what it was made with. */
export function attachedNetwork({ HostConfig, NetworkSettings }: Pick<ContainerInspectInfo, "HostConfig" | "NetworkSettings">): Network {
	if (PRIVATE.test(HostConfig.NetworkMode ?? "")) return "open";
	return attached(NetworkSettings).length > 0 ? "open" : "none";
}

function attached(settings: ContainerInspectInfo["NetworkSettings"]): readonly string[] {
	return Object.keys(settings.Networks ?? {}).filter((name) => name !== NONE);
}

/** Idempotent. `not_supported` where the machine has to be made anew for it; `context.rebuild` is then true. */
export async function switchNetwork(
	engine: Engine,
	container: ContainerInspectInfo,
	name: string,
	wanted: Network,
	options: Abortable,
): Promise<void> {
	const { product, defaultNetwork, joinsNone } = engine.dialect;
	const mode = container.HostConfig.NetworkMode ?? "";
	// Made without a network, it has nothing that an engine could join to one.
	const isFixed = PRIVATE.test(mode) || mode === NONE;
	const has = attachedNetwork(container);
	// Podman notes a change before it makes it, and one that was killed in between tells nothing of what is there.
	const isSure = joinsNone || isFixed || has === "open";
	if (has === wanted && isSure) return;
	const { openNetwork } = (await engine.facts(options)).capabilities;
	if (wanted === "open" && !openNetwork) {
		throw new ComputerError("not_supported", `This engine runs without root and has no program for a network of ${name}`, {
			hint: "Give it an allow-list instead, which needs no network; `lms-computer port` reaches its ports.",
			context: { driver: engine.dialect.name },
		});
	}
	const refuse = (): never => {
		throw new ComputerError("not_supported", `${product} can not change the network of ${name} while it runs`, {
			hint: "Its files can be kept: the computer is made anew with them and the other network.",
			context: { driver: engine.dialect.name, rebuild: true },
		});
	};
	if (isFixed) refuse();
	const action = `change the network of ${name}`;
	// Not the caller's signal between the two steps: it would leave the machine in no network that the engine knows of.
	const change = async (verb: "connect" | "disconnect", network: string): Promise<void> => {
		await engine.call(action, async (docker, abortSignal) => {
			const order = { Container: container.Id, ...(verb === "disconnect" ? { Force: true } : {}), abortSignal };
			await docker.changeNetwork(network, verb, order);
		});
	};
	if (options.signal?.aborted) throw new ComputerError("canceled", `It was canceled before it could ${action}`);
	if (!isSure) {
		await change("disconnect", defaultNetwork).catch(() => {});
		// That was lost with the address, which Podman has to know to take it away.
		if (await hasDevice(engine, container)) refuse();
	}
	if (wanted === "none") {
		for (const network of attached(container.NetworkSettings)) await change("disconnect", network);
		if (joinsNone) await change("connect", NONE);
		return;
	}
	const isInNone = NONE in (container.NetworkSettings.Networks ?? {});
	if (isInNone) await change("disconnect", NONE);
	try {
		await change("connect", defaultNetwork);
	} catch (error) {
		if (isInNone) await change("connect", NONE).catch(() => {});
		throw error;
	}
}

/** As Podman names those of its networks. */
async function hasDevice({ isHere }: Engine, { State }: ContainerInspectInfo): Promise<boolean> {
	const devices = isHere && State.Pid > 0 ? await readFile(`/proc/${State.Pid}/net/dev`, "utf8").catch(() => "") : "";
	return /^\s*eth\d+:/m.test(devices);
}
