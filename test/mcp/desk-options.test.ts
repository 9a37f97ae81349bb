import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { COMMANDS } from "../../packages/computer/src/cli/commands.js";
import { deskOptions } from "../../packages/computer/src/cli/desk-options.js";
import type { FlagValues } from "../../packages/computer/src/cli/flags.js";
import { Interruption } from "../../packages/computer/src/cli/interruption.js";
import { TOOL_BOUNDS } from "../../packages/computer/src/limits.js";
import { cli } from "../cli/command.js";

const directory = mkdtempSync(join(tmpdir(), "lms-desk-"));
afterAll(() => rmSync(directory, { recursive: true }));

const LMS_COMPUTER_CONFIG = join(directory, "config.json");
writeFileSync(LMS_COMPUTER_CONFIG, '{"maxOutputBytes":"1m","timeoutMs":"0","cpus":1}');

const options = (flags: FlagValues) => deskOptions({ flags, words: [], interruption: new Interruption(), commands: COMMANDS });

test("what is kept for exec's calls is not a server's, but its own flags are, within what a tool can do", async () => {
	vi.stubEnv("LMS_COMPUTER_CONFIG", LMS_COMPUTER_CONFIG);
	vi.stubEnv("LMS_COMPUTER_MAX_OUTPUT", "64k");
	try {
		const kept = await options({});
		expect(kept.tools).toMatchObject({ maxOutputBytes: undefined, timeoutMs: undefined });
		expect(kept.computer).toMatchObject({ cpus: 1 });
		expect(kept.computer).not.toHaveProperty("maxOutputBytes");
		expect((await options({ maxOutputBytes: 65_536, timeoutMs: 5000 })).tools).toMatchObject({ maxOutputBytes: 65_536, timeoutMs: 5000 });
		const { maxOutputBytes, timeoutMs } = TOOL_BOUNDS;
		expect((await options({ maxOutputBytes: 2 ** 28, timeoutMs: 0 })).tools).toMatchObject({
			maxOutputBytes: maxOutputBytes.max,
			timeoutMs: timeoutMs.max,
		});
		expect((await options({ maxOutputBytes: 2, timeoutMs: 1 })).tools).toMatchObject({
			maxOutputBytes: maxOutputBytes.min,
			timeoutMs: timeoutMs.min,
		});
	} finally {
		vi.unstubAllEnvs();
	}
});

test("a server starts with all that exec takes", async () => {
	const env = { LMS_COMPUTER_CONFIG, LMS_COMPUTER_MAX_OUTPUT: "1m" };
	for (const flags of [[], ["--timeout", "0"], ["--max-output", "2"]]) {
		expect(await cli(["mcp", ...flags], { env })).toMatchObject({ status: 0, stderr: "" });
	}
});
