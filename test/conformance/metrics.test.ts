import { expect, test } from "vitest";
import { suite } from "../support/suite.js";

const MiB = 1024 * 1024;

suite(
	"metrics",
	(subject) => {
		test("use and limits", async () => {
			const { capabilities } = subject.target;
			const is = await subject.computer.metrics();
			expect(Math.abs(is.at - Date.now())).toBeLessThan(10_000);
			expect(is.uptimeMs).toBeGreaterThan(0);
			expect(is.memory.usedBytes).toBeGreaterThan(MiB);
			expect(is.pids.used).toBeGreaterThan(1);
			expect(is.disk.totalBytes).toBeGreaterThan(is.disk.usedBytes);
			expect(is.load).toHaveLength(3);
			if (capabilities.limitMemory) expect(is.memory.limitBytes).toBe(192 * MiB);
			// An ordinary user's machine is limited by RLIMIT_NPROC, of which no cgroup tells.
			const byRlimit = capabilities.rootless && subject.target.driver === "namespace";
			if (capabilities.limitPids && !byRlimit) expect(is.pids.limit).toBe(200);
			if (capabilities.limitCpus) expect(is.cpu.processors).toBe(0.5);
		});

		test("CPU: what was used since the last call", async () => {
			const first = await subject.computer.metrics();
			await subject.computer.exec("i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done", { session: "aside" });
			const second = await subject.computer.metrics();
			expect(second.cpu.usedMs).toBeGreaterThan(first.cpu.usedMs + 20);
			expect(second.cpu.percent).toBeGreaterThan(0);
			expect(second.cpu.percent).toBeLessThanOrEqual(100);
		});

		test("memory and processes are counted", async () => {
			const before = await subject.computer.metrics();
			const held = await subject.computer.spawn(
				"head -c 16000000 /dev/zero >/dev/shm/held; for i in 1 2 3 4 5; do sleep 100 & done; echo ready; wait",
				{
					session: "held",
				},
			);
			for await (const chunk of held) if (chunk.text.includes("ready")) break;
			const after = await subject.computer.metrics();
			if (subject.target.capabilities.limitMemory) expect(after.memory.usedBytes - before.memory.usedBytes).toBeGreaterThan(12_000_000);
			expect(after.pids.used - before.pids.used).toBeGreaterThanOrEqual(5);
			await subject.computer.commands.kill(held.id, { graceMs: 0 });
			await subject.computer.files.remove("/dev/shm/held");
		});

		test("no network, no bytes", async () => {
			expect((await subject.computer.metrics()).network).toEqual({ receivedBytes: 0, sentBytes: 0 });
		});
	},
	{ memoryBytes: 192 * MiB, pids: 200, cpus: 0.5 },
);
