import type { ContainerInspectInfo } from "dockerode";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applicableLimits } from "../../packages/computer/src/drivers/engine/container-options.js";
import type { Endpoint } from "../../packages/computer/src/drivers/engine/endpoint.js";
import { type EngineInfo, readFacts } from "../../packages/computer/src/drivers/engine/facts.js";
import { readMachineInfo } from "../../packages/computer/src/drivers/engine/machine-info.js";
import { PullProgress } from "../../packages/computer/src/drivers/engine/pull-progress.js";
import { machineSpec } from "../../packages/computer/src/options.js";

const local: Endpoint = { kind: "socket", path: "/var/run/docker.sock" };
const spec = { ...machineSpec({ cpus: 4 }), memoryBytes: 1, pids: 3 };

describe("the boundary", () => {
	test.each<[string, EngineInfo, NodeJS.Platform, string, string]>([
		["an engine of this kernel", { OperatingSystem: "Debian GNU/Linux 12 (bookworm)" }, "linux", local.path, "shared-kernel"],
		["Docker Desktop on Linux", { OperatingSystem: "Docker Desktop" }, "linux", local.path, "vm"],
		["OrbStack", { OperatingSystem: "OrbStack" }, "darwin", local.path, "vm"],
		["Colima on Linux", { Name: "colima" }, "linux", local.path, "vm"],
		["a podman machine on Linux", {}, "linux", "/home/a/.local/share/containers/podman/machine/podman.sock", "vm"],
		["any engine on Windows", {}, "win32", "//./pipe/docker_engine", "vm"],
		["gVisor as the default", { DefaultRuntime: "runsc" }, "linux", local.path, "user-kernel"],
		["Kata as the default", { DefaultRuntime: "kata" }, "linux", local.path, "vm"],
	])("of %s", (_, info, platform, path, boundary) => {
		expect(readFacts(info, { kind: "socket", path }, platform).capabilities.boundary).toBe(boundary);
	});
});

test("a limit that the engine can not apply is not promised and not asked for", () => {
	const facts = readFacts({ NCPU: 2, MemoryLimit: false, PidsLimit: true, CpuCfsQuota: true }, local, "linux");
	expect(facts.capabilities).toMatchObject({ limitCpus: true, limitMemory: false, limitPids: true, rootless: false });
	expect(applicableLimits(spec, facts)).toEqual({ cpus: 2, memoryBytes: 0, pids: 3, diskBytes: 0 });
});

test("a rootless engine has the controllers that it was given, whatever the kernel has", () => {
	const info = {
		MemoryLimit: true,
		PidsLimit: true,
		CpuCfsQuota: true,
		SecurityOptions: ["name=seccomp,profile=default", "name=rootless"],
	};
	const { capabilities } = readFacts({ ...info, CgroupControllers: ["memory", "pids"] }, local, "linux");
	expect(capabilities).toMatchObject({ limitCpus: false, limitMemory: true, limitPids: true, rootless: true });
});

test("the fraction of a pull grows, whatever the events, and stays within 0 and 1", () => {
	const status = fc.constantFrom("Downloading", "Extracting", "Download complete", "Pull complete", "Already exists", "Waiting", "");
	const size = fc.option(fc.integer({ min: -5, max: 1_000 }), { nil: undefined });
	const detail = fc.record({ current: size, total: size }, { requiredKeys: [] });
	const event = fc.record({ id: fc.constantFrom("a", "b", "c"), status, progressDetail: detail });
	fc.assert(
		fc.property(fc.array(event), (events) => {
			const progress = new PullProgress();
			let last = 0;
			for (const one of events) {
				const fraction = progress.add(one as never);
				if (fraction === undefined) continue;
				expect(fraction).toBeGreaterThan(last);
				expect(fraction).toBeLessThanOrEqual(1);
				last = fraction;
			}
		}),
	);
});

test("only what its engine calls removed by half is that: any other word may be of a machine that has its files", () => {
	const word = (Status: string) =>
		readMachineInfo(
			{
				Id: "a",
				Name: "/a",
				Created: "2024-01-01T00:00:00Z",
				State: { Status },
				Config: { Labels: {} },
				HostConfig: {},
				NetworkSettings: { Networks: {} },
			} as unknown as ContainerInspectInfo,
			"docker",
			{ owner: "me", changes: {} },
		);
	for (const Status of ["dead", "removing"]) expect(word(Status)).toMatchObject({ state: "broken", halfRemoved: true });
	for (const Status of ["", "improper", "hibernated"])
		expect([word(Status).state, word(Status).halfRemoved]).toEqual(["broken", undefined]);
	for (const Status of ["running", "exited", "paused"]) expect(word(Status).halfRemoved).toBeUndefined();
});
