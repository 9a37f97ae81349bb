import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
	resolve: {
		// One copy of every module: a test that reaches into src and one that uses the package see the same classes.
		// That the built package exports the same is itself a test.
		alias: { "lms-computer": fileURLToPath(new URL("packages/computer/src/index.ts", import.meta.url)) },
	},
	test: {
		include: ["test/**/*.test.ts"],
		reporters: ["default", "./test/support/totals-reporter.ts"],
		testTimeout: 30_000,
		hookTimeout: 60_000,
		pool: "forks",
		// Files share one engine; more at once only makes each slower and the deadlines less true.
		maxWorkers: 2,
	},
});
