import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { guestNamespaces, hostNamespaces, processesIn } from "../support/outside.js";
import { suite } from "../support/suite.js";

/** CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETFCAP: bits 0, 1, 3, 4, 5, 6, 7 and 31. */
const EIGHT = "00000000800000fb";

suite("boundary", (subject) => {
	describe("a command", () => {
		test("has exactly the eight capabilities, no new privileges, and a system call filter", async () => {
			const status = Object.fromEntries((await subject.sh("cat /proc/self/status")).split("\n").map((line) => line.split(/:\s*/)));
			expect(status).toMatchObject({ CapEff: EIGHT, CapPrm: EIGHT, CapBnd: EIGHT, NoNewPrivs: "1", Seccomp: "2" });
			expect(status.CapAmb).toMatch(/^0+$/);
		});

		test("the agent has no more", async () => {
			const status = await subject.sh("cat /proc/1/status");
			expect(status).toContain(`CapEff:\t${EIGHT}`);
			expect(status).toContain(`CapBnd:\t${EIGHT}`);
			expect(status).toContain("NoNewPrivs:\t1");
		});

		test("is in none of the host's namespaces", async () => {
			const guest = await guestNamespaces(subject.computer);
			const host = await hostNamespaces();
			for (const [name, link] of Object.entries(guest)) {
				expect(link, name).toMatch(/^\w+:\[\d+\]$/);
				expect(Object.values(host), name).not.toContain(link);
			}
		});

		test("sees the machine's processes alone", async () => {
			const seen = (await subject.sh("cd /proc; for p in [0-9]*; do echo $p; done")).split("\n");
			expect(seen).toContain("1");
			const { pid } = await guestNamespaces(subject.computer);
			// Between the two looks a process may come or go.
			expect(Math.abs(seen.length - (await processesIn(pid)).length)).toBeLessThan(6);
			expect(await subject.sh("tr '\\0' ' ' </proc/1/cmdline")).toMatch(/agent init/);
		});

		test("has the machine's own hostname and none of the host's environment", async () => {
			expect(await subject.sh("hostname 2>/dev/null || cat /proc/sys/kernel/hostname")).toBe("lms-computer");
			const environment = await subject.sh("env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'");
			expect(environment).not.toContain("LMS_TEST_RUN");
			expect(environment).toContain("HOME=/home/user");
		});

		test.each([
			["mount", "mount -t tmpfs none /mnt"],
			["mknod of a disk", "mknod /tmp/disk b 254 0"],
			["change the host's name", "hostname changed"],
			["write a kernel setting", "echo 1 >/proc/sys/kernel/sysrq"],
			["trigger sysrq", "echo h >/proc/sysrq-trigger"],
			["write to /sys", "echo x >/sys/power/state"],
			["leave by the cgroup's release agent", "echo /tmp/x >/sys/fs/cgroup/memory/release_agent"],
			["set the clock", "date -s 2001-01-01"],
			["change the agent", "echo x >>/proc/1/mem"],
		])("can not %s", async (_, command) => {
			const { exitCode, stderr } = await subject.computer.exec(command);
			// busybox's date says what is wrong and exits with 0.
			if (exitCode === 0) expect(stderr).toMatch(/not permitted/);
		});
	});

	describe("the machine", () => {
		test("has no device but the usual ones", async () => {
			const found = (await subject.sh("for f in $(find /dev ! -type l ! -type d); do test -b $f -o -c $f && echo $f; done; true")).split(
				"\n",
			);
			expect(found.filter((path) => !/^\/dev\/(null|zero|full|random|urandom|tty|console|ptmx|pts\/(ptmx|\d+))$/.test(path))).toEqual([]);
			expect(found).toEqual(expect.arrayContaining(["/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"]));
			expect(await subject.sh("head -c 4 /dev/zero | wc -c; echo x >/dev/null; head -c 4 /dev/urandom | wc -c")).toMatch(/^\s*4\n\s*4$/);
		});

		test("has no engine's socket", async () => {
			const sockets = await subject.sh("find / -xdev -type s 2>/dev/null; find /run /var/run /tmp /dev -type s 2>/dev/null; true");
			expect(sockets.split("\n").filter((path) => !/^\/(var\/)?run\/lms\//.test(path) && path !== "")).toEqual([]);
			expect(await subject.sh("cat /proc/net/unix")).not.toMatch(/docker|podman|containerd|@\/(tmp|run)/);
		});

		test("shows no secret of the host", async () => {
			const directory = await mkdtemp(join(homedir(), "t-secret-"));
			try {
				const secret = `secret-${randomBytes(12).toString("hex")}`;
				const path = join(directory, "secret");
				await writeFile(path, secret);
				expect(await subject.computer.files.exists(path)).toBe(false);
				expect(await subject.computer.files.exists(directory)).toBe(false);
				const shadow = await readFile("/etc/shadow", "utf8").catch(() => "");
				const inside = await subject.sh("cat /etc/shadow 2>/dev/null; true");
				for (const line of shadow.split("\n").filter((line) => /^[^:]+:[^!*:]/.test(line)))
					expect(inside).not.toContain(line.split(":")[1]);
				for (const place of ["/root", "/home/user"]) {
					expect(
						(await subject.sh(`ls -A ${place}`)).split("\n").filter((name) => /^\.(ssh|aws|npmrc|docker|config|bash_history)/.test(name)),
					).toEqual([]);
				}
				expect(
					await subject.sh("ls /etc/ssh/ssh_host_* /etc/gshadow /etc/sudoers.d/* 2>/dev/null | xargs -r cat 2>/dev/null; true"),
				).not.toMatch(/PRIVATE KEY/);
			} finally {
				await rm(directory, { recursive: true });
			}
		});

		test("39. `network: none` has no route, no DNS and no way to a metadata address", async () => {
			expect(await subject.sh("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).toMatch(/^lo$/);
			expect(await subject.sh("tail -n +2 /proc/net/route")).toBe("");
			const reach = (host: string) =>
				`(command -v bash >/dev/null && bash -c '</dev/tcp/${host}/80' || nc -w 2 ${host} 80 </dev/null) 2>&1`;
			for (const host of ["169.254.169.254", "1.1.1.1", "10.0.2.2", "172.17.0.1", "example.com"]) {
				const result = await subject.computer.exec(reach(host));
				expect(result.exitCode, host).not.toBe(0);
			}
			// Its own loopback works.
			expect(await subject.sh("ip addr show lo 2>/dev/null || cat /proc/net/fib_trie")).toContain("127.0.0.1");
		});
	});

	test("info is what the guest is", async () => {
		const info = await subject.computer.info();
		expect(info).toMatchObject({
			kernel: await subject.sh("uname -r"),
			arch: { x64: "amd64", arm64: "arm64" }[process.arch as string],
			hostname: "lms-computer",
			user: "root",
			uid: 0,
			home: "/home/user",
			cwd: "/home/user",
			shell: expect.stringMatching(subject.target.shell === "bash" ? /\/bash$/ : /\/sh$/),
		});
		expect(info.cpus).toBeGreaterThan(0);
		expect(info.uptimeMs).toBeLessThan(300_000);
		expect(info.memory.totalBytes).toBeGreaterThan(0);
		expect(info.memory.availableBytes).toBeLessThanOrEqual(info.memory.totalBytes);
		expect(info.disk.freeBytes).toBeLessThanOrEqual(info.disk.totalBytes);
		if (subject.target.capabilities.limitMemory) expect(info.memory.totalBytes).toBe(1024 * 1024 * 1024);
	});
});
