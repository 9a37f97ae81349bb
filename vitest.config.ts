import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Part of the name of every computer of this run; the workers inherit it.
process.env["LMS_TEST_RUN"] ??= randomBytes(3).toString("hex");
// What the command line makes, too, is the images as they are: only the tests of presets install something.
process.env["LMS_COMPUTER_PRESET"] ??= "none";

export default defineConfig({
	resolve: {
		// One copy of every module: a test that reaches into src and one that uses the package see the same classes.
		// That the built package exports the same is itself a test.
		alias: {
			"lms-computer/adapters": fileURLToPath(new URL("packages/computer/src/adapters/index.ts", import.meta.url)),
			"lms-computer/tools": fileURLToPath(new URL("packages/computer/src/tools/index.ts", import.meta.url)),
			"lms-computer": fileURLToPath(new URL("packages/computer/src/index.ts", import.meta.url)),
		},
	},
	test: {
		include: ["test/**/*.test.ts"],
		globalSetup: ["test/support/global-setup.ts"],
		reporters: ["default", "./test/support/totals-reporter.ts"],
		testTimeout: 30_000,
		hookTimeout: 60_000,
		pool: "forks",
		// Files share one engine; more at once only makes each slower and its deadlines less true.
		maxWorkers: 2,
	},
});
