import { type Computer, findComputer } from "lms-computer";
import { describe, expect, test } from "vitest";
import { MATRIX } from "../support/drivers.js";
import { news, suite } from "../support/suite.js";

const MiB = 1024 * 1024;

/** What a limit is in the guest's own cgroup, whichever version of cgroups it is. */
const limit = (...files: string[]) => `cat ${files.map((file) => `/sys/fs/cgroup/${file}`).join(" ")} 2>/dev/null | head -n 1`;

suite(
	"limits",
	(subject) => {
		test("processes: in the cgroup and by effect; the agent answers all the while", async ({ skip }) => {
			const { computer, target } = subject;
			if (!target.capabilities.limitPids) {
				expect(computer.notices.join()).toContain("64 processes");
				skip("this driver says that it can not limit processes here");
			}
			// An ordinary user's machine is limited by RLIMIT_NPROC, of which no cgroup tells.
			const byRlimit = target.capabilities.rootless && target.driver === "namespace";
			expect(await subject.sh(limit("pids/pids.max", "pids.max"))).toBe(byRlimit ? "" : "64");
			const many = await computer.spawn("i=0; while [ $i -lt 100 ]; do sleep 100051 & i=$((i+1)); done; wait", { session: "many" });
			// bash tries again, the others give up.
			for await (const chunk of many) if (/fork|[Rr]esource/.test(chunk.text)) break;
			const running =
				subject.target.shell === "bash" ? (await computer.commands.kill(many.id)).running : (await many.result).exitCode === 0;
			expect(running).toBe(false);
			expect((await computer.exec("echo on", { session: "many" })).stdout).toBe("on\n");
			// With an engine the connection's own end in the guest goes too.
			await computer.exec("kill -9 -1", { session: "many" }).catch(() => {});
			// dash reaps its killed children when it next waits; they count until then.
			await computer.sessions.remove("many");
			// The other session's shell was killed as well: a command of that moment is told as killed with it.
			await expect.poll(() => subject.sh("echo on").catch(() => "")).toBe("on");
		});

		test("memory: in the cgroup and by effect; the shell and the agent live on", async ({ skip }) => {
			const { computer, target } = subject;
			if (!target.capabilities.limitMemory) {
				expect(computer.notices.join()).toMatch(/memory/);
				skip("this driver says that it can not limit memory here");
			}
			expect(await subject.sh(limit("memory/memory.limit_in_bytes", "memory.max"))).toBe(`${96 * MiB}`);
			const swap = await subject.sh(limit("memory/memory.memsw.limit_in_bytes", "memory.swap.max"));
			expect(["", "0", `${96 * MiB}`]).toContain(swap);
			expect((await computer.info()).memory.totalBytes).toBe(96 * MiB);
			const eaten = await computer.exec("dd if=/dev/zero of=/dev/null bs=300M count=1", { session: "eater" });
			expect(eaten.exitCode).toBe(137);
			expect((await computer.exec("echo on", { session: "eater" })).stdout).toBe("on\n");
		});

		test("processors: in the cgroup", async ({ skip }) => {
			const { computer, target } = subject;
			if (!target.capabilities.limitCpus) {
				expect(computer.notices.join()).toContain("CPUs");
				skip("this driver says that it can not limit processors here");
			}
			const [quota, period] = (
				await subject.sh(`${limit("cpu/cpu.cfs_quota_us", "cpu.max")}; cat /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null`)
			).split(/\s+/);
			expect(Number(quota) / Number(period)).toBe(0.5);
			expect((await computer.info()).cpus).toBe(1);
		});

		test("what was applied needs no notice", () => {
			const { limitCpus, limitMemory, limitPids } = subject.target.capabilities;
			if (limitCpus && limitMemory && limitPids) expect(subject.computer.notices).toEqual([]);
		});
	},
	{ pids: 64, memoryBytes: 96 * MiB, cpus: 0.5 },
);

describe.for(MATRIX)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("capabilities", () => {
		test("an open network is there, or refused", async () => {
			const opening = target.open("open-network", { network: "open" });
			if (target.capabilities.openNetwork) {
				const { stdout } = await (await opening).exec("cat /proc/net/route");
				expect(stdout).toMatch(/^\w+\t00000000\t/m);
			} else {
				await expect(opening).rejects.toMatchObject({ code: "not_supported", hint: expect.stringMatching(/driver/) });
				expect(await findComputer({ name: target.computerName("open-network"), driver: target.driver })).toBeUndefined();
			}
		});

		test("a runtime that is not there is refused, and leaves nothing", async () => {
			const opening = target.open("runtime", { runtime: "no-such-runtime" });
			await expect(opening).rejects.toMatchObject({
				name: "ComputerError",
				code:
					target.driver === "namespace"
						? "not_supported"
						: expect.stringMatching(/^(not_supported|engine_failed|machine_failed|invalid_argument)$/),
				message: expect.stringContaining("no-such-runtime"),
			});
			expect(await findComputer({ name: target.computerName("runtime"), driver: target.driver })).toBeUndefined();
		});

		test("a rebuild with what a driver has not is refused, and nothing has ended", async ({ skip }) => {
			const refused: Parameters<Computer["rebuild"]>[0][] = [];
			if (!target.capabilities.openNetwork) refused.push({ network: "open" });
			if (!target.capabilities.publishPorts) refused.push({ ports: ["18080:80"] });
			if (!target.capabilities.images) refused.push({ runtime: "no-such-runtime" }, { preset: "none+no-such-program" });
			if (refused.length === 0) skip("an engine that has it all");
			const computer = await target.open("rebuild-refused");
			await computer.exec("FRUIT=pear");
			for (const options of refused) {
				await expect(computer.rebuild(options), JSON.stringify(options)).rejects.toMatchObject({ code: "not_supported" });
			}
			expect((await computer.exec("echo $FRUIT")).stdout).toBe("pear\n");
			await computer.rebuild({ hostname: "another" });
			expect((await computer.exec("cat /proc/sys/kernel/hostname")).stdout).toBe("another\n");
		});

		test("an image is used, or a notice says that it is not", async () => {
			const computer = await target.open("image", target.capabilities.images ? {} : { image: "debian:bookworm-slim" });
			const { image } = await computer.inspect();
			if (target.capabilities.images) {
				expect(image).toBe(target.options.image);
				const again = await target.open("image", { image: "another:image" });
				expect(await news(again)).toEqual([expect.stringContaining("another:image")]);
			} else {
				expect(image).toBe("host");
				expect(await news(computer)).toEqual([expect.stringContaining("debian:bookworm-slim")]);
			}
		});

		test("an image that is nowhere is image_not_found, and leaves nothing", async ({ skip }) => {
			if (!target.capabilities.images) skip("a driver without images");
			const opening = target.open("no-image", { image: "localhost:1/no/such:image" });
			await expect(opening).rejects.toMatchObject({ code: "image_not_found" });
			expect(await findComputer({ name: target.computerName("no-image"), driver: target.driver })).toBeUndefined();
		});

		test("the system is writable, or says that it is not", async () => {
			const computer = await target.open("image");
			const { exitCode } = await computer.exec("mkdir -p /usr/local/bin && echo x >/usr/local/bin/t-written");
			expect(exitCode === 0).toBe(target.capabilities.writableSystem);
		});

		test("hostname and environment are the ones asked for", async () => {
			const computer = await target.open("named", { hostname: "box-1", env: { GREETING: "two words=1" } });
			expect((await computer.exec('cat /proc/sys/kernel/hostname; echo "$GREETING"')).stdout).toBe("box-1\ntwo words=1\n");
			expect((await computer.info()).hostname).toBe("box-1");
		});
	});
});
