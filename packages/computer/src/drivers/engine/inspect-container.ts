import type { ContainerInspectInfo } from "dockerode";
import type { Abortable } from "../../driver.js";
import type { Engine } from "./engine.js";

/** @param container its id or name */
export async function inspectContainer(
	engine: Engine,
	container: string,
	action: string,
	options: Abortable = {},
): Promise<ContainerInspectInfo> {
	return await engine.call(action, (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }), options);
}
