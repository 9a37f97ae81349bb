/** Clients that start MCP servers themselves: where each keeps its configuration, and how a server is written down there. */
import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { ClientName } from "./client-names.js";

export interface ClientHost {
	readonly platform: NodeJS.Platform;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly home: string;
}

/** What a client starts. */
export interface Launch {
	readonly name: string;
	readonly command: string;
	readonly args: readonly string[];
}

export interface Client {
	readonly title: string;
	readonly format: "json" | "toml";
	/** The object in it that holds the servers by their names. */
	readonly place: string;
	file(host: ClientHost): string | Promise<string>;
	entry(launch: Launch): Readonly<Record<string, unknown>>;
	/** The same in one line, where the client has its own way. */
	line?(launch: Launch): string;
}

const plain = ({ args, command }: Launch) => ({ command, args });

export const CLIENTS: Readonly<Record<ClientName, Client>> = {
	lmstudio: {
		title: "LM Studio",
		format: "json",
		place: "mcpServers",
		file: async ({ home }) => {
			// Where it was told to live; written by LM Studio itself.
			const moved = (await readFile(join(home, ".lmstudio-home-pointer"), "utf8").catch(() => "")).trim();
			return join(isAbsolute(moved) ? moved : join(home, ".lmstudio"), "mcp.json");
		},
		entry: plain,
		line: (launch) => {
			const config = Buffer.from(JSON.stringify(plain(launch))).toString("base64");
			return `lmstudio://add_mcp?name=${encodeURIComponent(launch.name)}&config=${encodeURIComponent(config)}`;
		},
	},
	claude: {
		title: "Claude Desktop",
		format: "json",
		place: "mcpServers",
		file: (host) => join(applicationData(host), "Claude", "claude_desktop_config.json"),
		entry: plain,
		// Of the other one, which has no file that others write.
		line: ({ args, command, name }) => `claude mcp add ${name} -- ${words([command, ...args])}   # Claude Code`,
	},
	cursor: {
		title: "Cursor",
		format: "json",
		place: "mcpServers",
		file: ({ home }) => join(home, ".cursor", "mcp.json"),
		entry: plain,
	},
	vscode: {
		title: "VS Code",
		format: "json",
		place: "servers",
		file: (host) => join(applicationData(host), "Code", "User", "mcp.json"),
		entry: (launch) => ({ type: "stdio", ...plain(launch) }),
		line: (launch) => `code --add-mcp ${words([JSON.stringify({ name: launch.name, ...plain(launch) })])}`,
	},
	zed: {
		title: "Zed",
		format: "json",
		place: "context_servers",
		file: (host) =>
			host.platform === "win32" ? join(applicationData(host), "Zed", "settings.json") : join(dotConfig(host), "zed", "settings.json"),
		entry: (launch) => ({ source: "custom", ...plain(launch), env: {} }),
	},
	codex: {
		title: "Codex",
		format: "toml",
		place: "mcp_servers",
		file: ({ env, home }) => join(env["CODEX_HOME"] || join(home, ".codex"), "config.toml"),
		// It gives up on a start after 10 s otherwise; `npx` may have to download first.
		entry: (launch) => ({ ...plain(launch), startup_timeout_sec: 60 }),
		line: ({ args, command, name }) => `codex mcp add ${name} -- ${words([command, ...args])}`,
	},
};

/** Where applications keep their data, in the system's own way. */
function applicationData(host: ClientHost): string {
	if (host.platform === "darwin") return join(host.home, "Library", "Application Support");
	if (host.platform === "win32") return host.env["APPDATA"] || join(host.home, "AppData", "Roaming");
	return dotConfig(host);
}

function dotConfig({ env, home }: ClientHost): string {
	const xdg = env["XDG_CONFIG_HOME"];
	return xdg && isAbsolute(xdg) ? xdg : join(home, ".config");
}

/** For a POSIX shell. */
function words(list: readonly string[]): string {
	return list.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
