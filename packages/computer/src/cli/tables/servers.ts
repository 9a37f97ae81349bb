/** Doors for models: servers that give a computer to a client. */
import type { CommandSpec } from "../commands.js";
import { MAKING } from "./flag-sets.js";

const TOOLS = ["session", "timeoutMs", "maxOutputBytes", "profile", "hostFolder", "skipConfirmation"] as const;

export const SERVERS: readonly CommandSpec[] = [
	{
		name: "mcp",
		summary: "give a computer to a model by MCP, on standard input and output",
		details: `For a client that starts its servers itself: LM Studio, Claude, Cursor, VS Code, Zed, Codex. The computer is made or started at the first
call. When the client goes, what it still waits for is ended; jobs live on. With --print-config or --install the flags beside it are
what the client will start it with.`,
		flags: [...MAKING, ...TOOLS, "printConfig", "install", "yes"],
		examples: [
			["lms-computer mcp --print-config lmstudio", "what to put into LM Studio's mcp.json"],
			["lms-computer mcp --install cursor --name work --network open", "for Cursor, the computer `work`"],
			["lms-computer mcp --profile compact", "eight tools, for a model with a small context"],
		],
		failureStatus: 1,
		load: () => import("../commands/mcp.js"),
	},
	{
		name: "serve",
		summary: "give a computer to models by MCP over HTTP, until Ctrl-C",
		details: `Streamable HTTP, at /mcp. Every request needs the token: LMS_COMPUTER_TOKEN, else what is in the token file. Requests under another name of this
host, and from pages of other sites, are refused. All clients work on the same computer.`,
		flags: [...MAKING, ...TOOLS, "port", "listen", "allowHost", "tokenFile", "json", "quiet"],
		examples: [
			["lms-computer serve", "prints its address, and where the token is"],
			["lms-computer serve --port 0 --json | jq -r .url", "on a free port"],
		],
		failureStatus: 1,
		load: () => import("../commands/serve.js"),
	},
];
