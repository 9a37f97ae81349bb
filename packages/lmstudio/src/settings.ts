/** A chat's settings as plain values: what its computer is to be, and what its model gets. */
import { createHash } from "node:crypto";
import type { BaseController, InferParsedConfig } from "@lmstudio/sdk";
import type { OpenOptions, ToolboxOptions } from "./library.js";
import { OTHER_IMAGE, schematics } from "./schematics.js";

const MIB = 1024 * 1024;

/** Two that are equal as JSON are the same. */
export interface Settings {
	readonly computer: OpenOptions & { readonly name: string };
	/** Without a profile: by the model's context length. */
	readonly tools: Omit<ToolboxOptions, "open" | "contextTokens"> & { readonly maxOutputBytes: number };
	/** Those of the computer that are to be ports here too, where its network does not publish them; may be empty. */
	readonly heldPorts: string;
	/** The chat's working directory on this host, where it has one. */
	readonly chatFolder: string | undefined;
	readonly internet: "off" | "allow-list" | "on";
	readonly attachments: boolean;
	readonly injectContext: boolean;
}

type Config = InferParsedConfig<typeof schematics>;
type Controller = Pick<BaseController, "getPluginConfig" | "getWorkingDirectory">;

export function readSettings(ctl: Controller): Settings {
	return settingsOf(ctl.getPluginConfig(schematics), workingDirectory(ctl));
}

/** LM Studio throws where a chat has none. */
export function workingDirectory(ctl: Pick<Controller, "getWorkingDirectory">): string | undefined {
	try {
		return ctl.getWorkingDirectory();
	} catch {
		return undefined;
	}
}

function settingsOf(config: Config, chatFolder: string | undefined): Settings {
	const profile = config.get("profile") as "auto" | "compact" | "standard" | "full";
	const folder = sharedFolder(config, chatFolder);
	return {
		computer: { ...machine(config), name: computerName(config, chatFolder), folders: folder === undefined ? [] : [folder] },
		tools: {
			...(profile !== "auto" && { profile }),
			// Chats that share a computer do not wait for each other's commands, nor wander about in each other's folders.
			...(config.get("computer") === "shared" && chatFolder !== undefined && { session: `chat-${mark(chatFolder)}` }),
			timeoutMs: config.get("timeoutSeconds") * 1000,
			// LM Studio itself waits for a tool as long as it takes.
			maxCallMs: 300_000,
			maxOutputBytes: config.get("outputKB") * 1024,
			callsPerTurn: config.get("callsPerTurn"),
			strictSafety: config.get("strictSafety"),
			hostFolders: [chatFolder, writableFolder(folder)].filter((path) => path !== undefined),
		},
		heldPorts: config.get("internet") === "on" ? "" : config.get("ports").trim(),
		chatFolder,
		internet: config.get("internet") as Settings["internet"],
		attachments: config.get("attachments"),
		injectContext: config.get("injectContext"),
	};
}

function machine(config: Config): OpenOptions {
	const image = config.get("image") === OTHER_IMAGE ? config.get("otherImage").trim() : config.get("image");
	const preset = config.get("preset");
	const ports = config.get("ports").trim();
	return {
		driver: config.get("driver") as OpenOptions["driver"],
		...(config.get("driver") !== "namespace" && { image }),
		// The library's own default, which is no reason to fail where it cannot be installed.
		...(preset !== "minimal" && { preset }),
		cpus: config.get("cpus"),
		memoryBytes: config.get("memoryMB") * MIB,
		diskBytes: config.get("diskMB") * MIB,
		network: network(config),
		...(config.get("internet") === "on" && { ports: ports === "" ? [] : [ports] }),
		persistence: config.get("persistence") as OpenOptions["persistence"],
		idleStopMs: config.get("idleStopMinutes") * 60_000,
	};
}

function network(config: Config): OpenOptions["network"] {
	// A row with nothing in it is none.
	const allow = config
		.get("allowedHosts")
		.map((host) => host.trim())
		.filter(Boolean);
	if (config.get("internet") === "on") return "open";
	return config.get("internet") === "allow-list" && allow.length > 0 ? { allow } : "none";
}

/** A chat has no name that a plugin is told, but a folder of its own. */
function computerName(config: Config, chatFolder: string | undefined): string {
	// People write "My computer"; a computer's name is small letters, digits and - _ .
	const given = config.get("name").trim().toLowerCase();
	const plain = given.replace(/[^a-z0-9_.-]+/g, "-").replace(/^[^a-z0-9]+|-+$/g, "") || "lmstudio";
	// Names in other letters would all be one.
	const name = /\p{L}/u.test(given.replace(/[a-z]/g, "")) ? `${plain}-${mark(given).slice(0, 8)}` : plain;
	return config.get("computer") === "chat" && chatFolder !== undefined ? `${name}-${mark(chatFolder)}` : name;
}

function mark(text: string): string {
	return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** In the library's notation. A chat's own folder goes to a computer of its own only: others would see it come and go. */
function sharedFolder(config: Config, chatFolder: string | undefined): string | { readonly hostPath: string } | undefined {
	if (config.get("computer") === "chat" && config.get("shareChatFolder") && chatFolder !== undefined) return { hostPath: chatFolder };
	return config.get("sharedFolder").trim() || undefined;
}

/** Where a transfer may write: not into what is shared to be read. */
function writableFolder(folder: ReturnType<typeof sharedFolder>): string | undefined {
	if (typeof folder !== "string") return undefined;
	const [path, drive = "", rest = ""] = /^([A-Za-z]:(?=[\\/]))?([^:]*)/.exec(folder) ?? [];
	return path === undefined || /:ro\b/.test(folder) ? undefined : drive + rest;
}
