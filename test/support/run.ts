import type { DriverName } from "../../packages/computer/src/driver.js";

export const DRIVER_NAMES = ["docker", "podman", "namespace"] as const satisfies readonly DriverName[];

/** What the names of this run's computers begin with; vitest.config.ts makes it, so that two runs on one machine do not see each other's. */
export const RUN_PREFIX = `t-${process.env["LMS_TEST_RUN"]}-`;
