/** Where the agent's binaries lie in this package, and what they are. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { ComputerError } from "../errors/index.js";
import { packageFile } from "../package-files.js";

export type AgentArch = "amd64" | "arm64";

const hashes = new Map<AgentArch, string>();

/** The path of the static agent for machines of that architecture. Throws `internal` when the package was never built. */
export function agentBinary(arch: AgentArch): string {
	const path = packageFile(`agent/agent-linux-${arch}`);
	if (!existsSync(path)) {
		throw new ComputerError("internal", `The agent for linux ${arch} was expected at ${path} and is not there`, {
			hint: "Run `npm run build`; it needs Go.",
			context: { path, arch },
		});
	}
	return path;
}

/** SHA-256 of that binary in hex. Read once per process. */
export function agentHash(arch: AgentArch): string {
	let hash = hashes.get(arch);
	if (hash === undefined) {
		hash = createHash("sha256")
			.update(readFileSync(agentBinary(arch)))
			.digest("hex");
		hashes.set(arch, hash);
	}
	return hash;
}
