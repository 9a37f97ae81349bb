/**
 * A removal and a new name of one container, one after the other. Podman reads a container's name, may wait for a rename or stop the container, and then frees the
 * name that it has read: what the container was called meanwhile no container can ever be called again. It has no call that would free it.
 */
import { DEADLINES } from "../../limits.js";
import { alone } from "./alone.js";
import { noteFile } from "./changed-settings.js";
import type { Dialect } from "./dialect.js";

export async function whileNaming<T>(dialect: Dialect, id: string, run: () => Promise<T>): Promise<T> {
	return dialect.losesNames ? await alone({ file: noteFile(dialect, id, "naming"), limitMs: DEADLINES.engineMs }, run) : await run();
}
