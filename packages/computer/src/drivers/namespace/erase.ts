import type { Abortable } from "../../driver.js";
import { DEADLINES } from "../../limits.js";
import { runAgent } from "./agent.js";

/**
 * Removes a file tree below a directory. The agent does it: an ordinary user may have lost the right to empty directories that are his, trees of a guest may be
 * deeper than a path can say, and names need not be UTF-8.
 */
export async function eraseBelow(agentPath: () => string, directory: string, name: string, { signal }: Abortable = {}): Promise<void> {
	await runAgent(agentPath(), ["boot", "erase"], { directory, name }, { signal, deadlineMs: DEADLINES.checkpointMs });
}
