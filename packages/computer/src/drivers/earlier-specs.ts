/** Machines outlive versions: what an earlier one did not write down is as it was then. */
import type { MachineSpec } from "../driver.js";

const BEFORE = {
	diskBytes: 0,
	dns: [],
	ports: [],
	folders: [],
	preset: { name: "none", packages: [], script: "", required: false },
	user: "root",
	persistence: "persistent",
	idleStopMs: 0,
} as const satisfies Partial<MachineSpec>;

export function completeSpec(spec: MachineSpec): MachineSpec {
	return { ...BEFORE, ...spec };
}
