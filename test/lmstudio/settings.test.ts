import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { NAME_PATTERN } from "../../packages/computer/src/limits.js";
import { schematics } from "../../packages/lmstudio/src/schematics.js";
import { readSettings } from "../../packages/lmstudio/src/settings.js";
import { fromRoot } from "../support/repository.js";

/** As LM Studio hands it over. The SDK's own parser is behind a type that hides it. */
function settings(values: Record<string, unknown> = {}, workingDirectory?: string) {
	const fields = Object.entries(values).map(([key, value]) => ({ key, value }));
	const { parse } = schematics as unknown as { parse(config: unknown): never };
	return readSettings({
		getPluginConfig: () => parse.call(schematics, { fields }),
		getWorkingDirectory: () => {
			if (workingDirectory === undefined) throw new Error("This prediction process is not attached to a working directory.");
			return workingDirectory;
		},
	});
}

test("the defaults are those of the documentation", () => {
	expect(settings()).toEqual({
		computer: {
			name: "lmstudio",
			driver: "auto",
			image: "ubuntu:24.04",
			cpus: 2,
			memoryBytes: 1024 * 1024 * 1024,
			diskBytes: 4096 * 1024 * 1024,
			network: "none",
			folders: [],
			persistence: "persistent",
			idleStopMs: 3_600_000,
		},
		tools: {
			timeoutMs: 30_000,
			maxCallMs: 300_000,
			maxOutputBytes: 32_768,
			callsPerTurn: 25,
			strictSafety: true,
			hostFolders: [],
		},
		heldPorts: "",
		chatFolder: undefined,
		internet: "off",
		attachments: true,
		injectContext: true,
	});
});

test("another image, ports, packages and limits", () => {
	const { computer } = settings({
		image: "other",
		otherImage: " python:3 ",
		ports: " 8080:80,3000:3000 ",
		preset: "node",
		cpus: 0.5,
		internet: "on",
	});
	expect(computer).toMatchObject({ image: "python:3", ports: ["8080:80,3000:3000"], preset: "node", cpus: 0.5, network: "open" });
});

test.each([
	[{}, "none"],
	[{ internet: "on", allowedHosts: ["pip"] }, "open"],
	[{ internet: "allow-list", allowedHosts: [" pip", "example.com:8443 "] }, { allow: ["pip", "example.com:8443"] }],
	[{ internet: "allow-list", allowedHosts: [] }, "none"],
	[{ internet: "allow-list", allowedHosts: ["pip", " "] }, { allow: ["pip"] }],
	[{ internet: "allow-list", allowedHosts: [" "] }, "none"],
])("%j is the network %j", (values, network) => {
	expect(settings(values).computer.network).toEqual(network);
});

test.each([
	["My computer", "my-computer"],
	[" Work_1 ", "work_1"],
	["!", "lmstudio"],
])("%j is the name %s", (name, computer) => {
	expect(settings({ name }).computer.name).toBe(computer);
});

test("another name is another computer, whatever its letters", () => {
	const names = ["計算", "Работа", "Дом", "Émile", "Mile", "lmstudio"].map((name) => settings({ name }).computer.name);
	expect(new Set(names).size).toBe(names.length);
	expect(names[0]).toMatch(/^lmstudio-[0-9a-f]{8}$/);
	expect(settings({ name: " 計算 " }).computer.name).toBe(names[0]);
	const long = settings({ name: `${"x".repeat(39)}я`, computer: "chat" }, "/chats/1").computer.name;
	expect(long).toMatch(NAME_PATTERN);
});

test("chats that share a computer have a shell each", () => {
	const { session } = settings({}, "/chats/1").tools;
	expect(session).toMatch(/^chat-[0-9a-f]{12}$/);
	expect(settings({}, "/chats/2").tools.session).not.toBe(session);
	expect(settings().tools.session).toBeUndefined();
	expect(settings({ computer: "chat" }, "/chats/1").tools.session).toBeUndefined();
});

test("ports are published by an open network, and else held by the plugin", () => {
	expect(settings({ ports: "8080:80", internet: "on" })).toMatchObject({ computer: { ports: ["8080:80"] }, heldPorts: "" });
	expect(settings({ ports: "8080:80" })).toMatchObject({ heldPorts: "8080:80" });
	expect(settings({ ports: "8080:80" }).computer).not.toHaveProperty("ports");
});

describe("one computer for each chat", () => {
	test("has a name of its own, always the same", () => {
		const { name } = settings({ computer: "chat" }, "/chats/1").computer;
		expect(name).toMatch(/^lmstudio-[0-9a-f]{12}$/);
		expect(settings({ computer: "chat" }, "/chats/1").computer.name).toBe(name);
		expect(settings({ computer: "chat" }, "/chats/2").computer.name).not.toBe(name);
		expect(settings({ computer: "chat" }).computer.name).toBe("lmstudio");
		expect(settings({}, "/chats/1").computer.name).toBe("lmstudio");
	});

	test("has the chat's folder, when that is wanted", () => {
		const shared = { computer: "chat", shareChatFolder: true, sharedFolder: "/home/me/project" };
		expect(settings(shared, "/chats/1").computer.folders).toEqual([{ hostPath: "/chats/1" }]);
		expect(settings(shared).computer.folders).toEqual(["/home/me/project"]);
		// One for all chats would be another one with each.
		expect(settings({ ...shared, computer: "shared" }, "/chats/1").computer.folders).toEqual(["/home/me/project"]);
	});
});

test.each([
	["/home/me/project", ["/chats/1", "/home/me/project"]],
	["/home/me/project:/mnt/there", ["/chats/1", "/home/me/project"]],
	["/home/me/project:ro", ["/chats/1"]],
	["C:\\Users\\me\\project", ["/chats/1", "C:\\Users\\me\\project"]],
	["C:/Users/me:/mnt/there:ro", ["/chats/1"]],
	["", ["/chats/1"]],
])("with %s shared, transfers may touch %j", (sharedFolder, hostFolders) => {
	expect(settings({ sharedFolder }, "/chats/1").tools.hostFolders).toEqual(hostFolders);
});

test("the page has every setting, in the order in which they are shown", () => {
	const { serialize } = schematics as unknown as { serialize(): { fields: { shortKey: string; typeParams: { displayName: string } }[] } };
	const shown = serialize.call(schematics).fields.map(({ typeParams }) => typeParams.displayName);
	const page = readFileSync(fromRoot("packages/lmstudio/README.md"), "utf8");
	const settings = page.slice(page.indexOf("## Settings"), page.indexOf("## What is where"));
	const rows = [...settings.matchAll(/^\| ([A-Z][^|]*?) \| /gm)].map(([, name]) => name);
	// The other image is a part of the row of the base image.
	expect(rows).toEqual(shown.filter((name) => name !== "Image"));
});
