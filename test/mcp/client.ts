/** The official client, and the real server that it starts. */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { MAIN } from "../cli/command.js";

/** What a client speaks of itself: the older handshake, or the newer protocol alone. */
export const ERAS = {
	"2025-11-25": {},
	"2026-07-28": { versionNegotiation: { mode: { pin: "2026-07-28" } } },
} as const;
export type Era = keyof typeof ERAS;

export interface Connected {
	readonly client: Client;
	readonly pid: number;
	/** What it wrote on standard error. */
	stderr(): string;
	close(): Promise<void>;
}

/** Starts `lms-computer mcp` with these flags. */
export async function connect(argv: readonly string[], era: Era = "2025-11-25", env: Record<string, string> = {}): Promise<Connected> {
	const transport = new StdioClientTransport({
		command: process.execPath,
		args: [MAIN, "mcp", ...argv],
		env: { ...(process.env as Record<string, string>), ...env },
		stderr: "pipe",
	});
	const errors: string[] = [];
	transport.stderr?.on("data", (chunk) => errors.push(String(chunk)));
	const client = new Client({ name: "test", version: "1" }, ERAS[era]);
	await client.connect(transport);
	return { client, pid: transport.pid ?? 0, stderr: () => errors.join(""), close: () => client.close() };
}
