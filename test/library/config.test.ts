import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { configFile, configuration } from "../../packages/computer/src/config.js";
import { SETTING_NAMES, SETTINGS } from "../../packages/computer/src/options/settings.js";

const directory = mkdtempSync(join(tmpdir(), "lms-config-"));
afterAll(() => rmSync(directory, { recursive: true }));

function host(content: unknown, env: Record<string, string> = {}) {
	const file = join(directory, "config.json");
	writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
	return { env: { LMS_COMPUTER_CONFIG: file, ...env }, home: "/nowhere" };
}

test("the environment comes before the file, and one computer's part of the file before the rest", async () => {
	const content = { cpus: 1, memoryBytes: "2g", image: "one", computers: { work: { image: "two", ports: ["8080:80"] } } };
	const { settings, sources } = await configuration("work", host(content, { LMS_COMPUTER_CPUS: "4", LMS_COMPUTER_DNS: "9.9.9.9, ::1" }));
	expect(settings).toEqual({ cpus: 4, memoryBytes: 2 * 1024 ** 3, image: "two", ports: ["8080:80"], dns: ["9.9.9.9", "::1"] });
	expect(sources).toMatchObject({ cpus: "LMS_COMPUTER_CPUS", image: expect.stringMatching(/config\.json: computers\.work\.image$/) });
	expect((await configuration("other", host(content))).settings).toEqual({ cpus: 1, memoryBytes: 2 * 1024 ** 3, image: "one" });
});

test("no file and no variables say nothing; an empty variable is none", async () => {
	expect(await configuration("x", { env: { LMS_COMPUTER_CPUS: "" }, home: "/nowhere" })).toEqual({
		settings: {},
		sources: {},
		file: "/nowhere/.config/lms-computer/config.json",
	});
	expect(configFile({ env: { XDG_CONFIG_HOME: "/x" }, home: "/h" })).toBe("/x/lms-computer/config.json");
	expect(configFile({ env: { XDG_CONFIG_HOME: "x" }, home: "/h" })).toBe("/h/.config/lms-computer/config.json");
});

describe("what is wrong is said with its place, and nothing of it is used", () => {
	test.each([
		["{", /config\.json: expected the file to be JSON/],
		["[]", /one JSON object/],
		[{ memory: 1 }, /one of driver, image.*got "memory"/],
		[{ cpus: -1 }, /config\.json: cpus: expected cpus .*got -1/],
		[{ computers: [] }, /computers .*an array/],
		[{ computers: { "No Name": {} } }, /a name in computers/],
		[{ computers: { x: { cpus: "lots" } } }, /config\.json: computers\.x\.cpus: expected cpus .*"lots"/],
		[{ computers: { other: { nope: 1 } } }, /computers\.other/],
	])("%j", async (content, message) => {
		await expect(configuration("x", host(content))).rejects.toMatchObject({
			code: "invalid_argument",
			message: expect.stringMatching(message),
		});
	});

	test("a variable, and a file that can not be read", async () => {
		await expect(configuration("x", { env: { LMS_COMPUTER_CPUS: "lots" }, home: "/" })).rejects.toThrow(
			/^LMS_COMPUTER_CPUS: expected cpus/,
		);
		await expect(configuration("x", { env: { LMS_COMPUTER_CONFIG: directory }, home: "/" })).rejects.toThrow(/can be read: EISDIR/);
	});
});

test("every setting has a flag and a variable of its own, and its fallback passes its own check", () => {
	const flags = SETTING_NAMES.map((name) => SETTINGS[name].flag);
	const variables = SETTING_NAMES.map((name) => SETTINGS[name].variable);
	expect(new Set(flags).size).toBe(flags.length);
	expect(new Set(variables).size).toBe(variables.length);
	for (const name of SETTING_NAMES) {
		const { check, fallback } = SETTINGS[name] as { check: (value: unknown) => unknown; fallback: unknown };
		if (fallback !== undefined && name !== "preset") expect(check(fallback)).toEqual(fallback);
	}
});
