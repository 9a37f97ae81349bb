import { mkdir } from "node:fs/promises";
import type { Availability, Capabilities } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { runAgent } from "./agent.js";

const ENDPOINT = "this kernel";

/** Tries what a machine would need, in a directory of its own below root. */
export async function probeKernel(root: string, agentPath: () => string, signal?: AbortSignal): Promise<Availability> {
	if (process.platform !== "linux") {
		return refused(`machines of namespaces need Linux, this is ${process.platform}`, "Use Docker or Podman here.");
	}
	try {
		await mkdir(root, { recursive: true, mode: 0o700 });
		const found = await runAgent(agentPath(), ["boot", "probe"], { directory: root }, { signal, deadlineMs: DEADLINES.tryKernelMs });
		if (found["usable"] !== true) return refused(String(found["reason"]), String(found["hint"] ?? ""));
		const capabilities: Capabilities = {
			boundary: "shared-kernel",
			images: false,
			openNetwork: false,
			limitCpus: found["limitCpus"] === true,
			limitMemory: found["limitMemory"] === true,
			limitPids: found["limitPids"] === true,
			limitDisk: false,
			sharedFolders: true,
			publishPorts: false,
			// A user namespace without more numbers than one has nobody else.
			otherUsers: found["rootless"] !== true,
			installPresets: false,
			switchNetwork: "refused",
			checkpoints: true,
			writableSystem: found["writableSystem"] === true,
			rootless: found["rootless"] === true,
		};
		return { usable: true, version: String(found["kernel"]), endpoint: ENDPOINT, capabilities };
	} catch (error) {
		if (error instanceof ComputerError) return refused(error.message, error.hint);
		return refused(
			`${root} was expected to be usable: ${String(error)}`,
			"Set LMS_COMPUTER_STATE_DIR to a directory that this user may write.",
		);
	}
}

function refused(reason: string, hint: string): Availability {
	return { usable: false, reason, hint, tried: [{ endpoint: ENDPOINT, reason }] };
}
