import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tokenFor } from "../../packages/computer/src/http/token.js";
import { cli, start } from "../cli/command.js";

let directory: string;
beforeEach(() => {
	vi.stubEnv("LMS_COMPUTER_TOKEN", "");
	directory = mkdtempSync(join(tmpdir(), "lms-computer-token-"));
});
afterEach(() => {
	vi.unstubAllEnvs();
	rmSync(directory, { recursive: true });
});

test("a token is made once, for its user alone, beside the configuration", async () => {
	const config = join(directory, "deeper", "config.json");
	const made = await Promise.all(Array.from({ length: 8 }, () => tokenFor(undefined, config)));
	expect(new Set(made.map(({ token }) => token)).size).toBe(1);
	const [{ token, where } = { token: "", where: "" }] = made;
	expect(where).toBe(join(directory, "deeper", "token"));
	expect(token).toMatch(/^[\w-]{43}$/);
	expect(readFileSync(where, "utf8")).toBe(`${token}\n`);
	expect(statSync(where).mode & 0o777).toBe(0o600);
	expect(readdirSync(join(directory, "deeper"))).toEqual(["token"]);
});

test("a file that is named comes before the variable, and the variable before the usual file", async () => {
	vi.stubEnv("LMS_COMPUTER_TOKEN", "the-variable-0123456789");
	const file = join(directory, "mine");
	writeFileSync(file, "the-file-0123456789\n", { mode: 0o600 });
	expect(await tokenFor(file, join(directory, "config.json"))).toEqual({ token: "the-file-0123456789", where: file });
	expect(await tokenFor(undefined, join(directory, "config.json"))).toEqual({
		token: "the-variable-0123456789",
		where: "LMS_COMPUTER_TOKEN",
	});
	expect(readdirSync(directory)).toEqual(["mine"]);
});

test("a token that can not be kept, and a folder in its place, are no defects", async () => {
	writeFileSync(join(directory, "plain"), "");
	expect(await cli(["serve", "--port", "0", "--token-file", join(directory, "plain", "token")])).toMatchObject({
		status: 1,
		stderr: expect.stringMatching(/the token can not be kept in .*\ncause: ENOTDIR.*\nhint: {2}.*--token-file.*LMS_COMPUTER_TOKEN/),
	});
	await expect(tokenFor(directory, join(directory, "config.json"))).rejects.toMatchObject({ code: "not_a_file" });
});

test("serve says where it cannot listen, and that a network reads along", async () => {
	const env = { LMS_COMPUTER_TOKEN: "for-the-test-0123456789" };
	const one = start(["serve", "--port", "0", "--listen", "0.0.0.0"], env);
	await one.says("/mcp\n");
	const { port } = new URL(one.stdout.trim());
	const taken = await cli(["serve", "--port", port], { env });
	expect(taken).toMatchObject({
		status: 1,
		stdout: "",
		stderr: expect.stringMatching(/cannot listen on 127\.0\.0\.1 port \d+\n.*\nhint: {2}.*--port/),
	});
	expect(await cli(["serve", "--listen", "192.0.2.1"], { env })).toMatchObject({
		status: 2,
		stderr: expect.stringContaining("an address of this host"),
	});
	one.process.kill("SIGTERM");
	expect((await one.ended).stderr).toContain("no TLS");
});

test("a token that is too short, or that others may read, is refused", async () => {
	const file = join(directory, "token");
	writeFileSync(file, "short\n", { mode: 0o600 });
	const { status, stderr } = await cli(["serve", "--port", "0", "--token-file", file]);
	expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining("16 to 512") });
	writeFileSync(file, "long-enough-0123456789\n");
	chmodSync(file, 0o644);
	await expect(tokenFor(file, "")).rejects.toMatchObject({ code: "permission_denied", hint: expect.stringContaining("chmod 600") });
});
