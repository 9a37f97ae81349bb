import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { forget, recall, remember } from "../../packages/computer/src/whereabouts.js";

let directory: string;

beforeEach(() => {
	directory = mkdtempSync(join(tmpdir(), "lms-state-"));
	vi.stubEnv("LMS_COMPUTER_STATE_DIR", directory);
});
afterEach(() => {
	vi.unstubAllEnvs();
	rmSync(directory, { recursive: true, force: true });
});

test("the driver of a name is remembered until it is forgotten", async () => {
	expect(await recall("box")).toBeUndefined();
	await remember("box", "docker");
	await remember("box", "podman");
	expect(await recall("box")).toBe("podman");
	await forget("box");
	await forget("box");
	expect(await recall("box")).toBeUndefined();
});

test.each(["", "dock", "docker podman", "\0\0", "x".repeat(10_000)])("a damaged hint is no hint: %j", async (content) => {
	await remember("box", "docker");
	writeFileSync(join(directory, "last-driver", "box"), content);
	expect(await recall("box")).toBeUndefined();
	await remember("box", "docker");
	expect(await recall("box")).toBe("docker");
});

test("a place that cannot be written is no error", async () => {
	writeFileSync(join(directory, "last-driver"), "a file where the directory should be");
	await remember("box", "docker");
	await forget("box");
	expect(await recall("box")).toBeUndefined();
});
