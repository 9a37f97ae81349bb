import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { expectError, suite } from "../support/suite.js";

/** What a machine's root does to the agent, to its files and to what others will see. */
suite("attacks-tampering", (subject) => {
	test("the agent's program can not be changed, and what is put in its place is not run by the next start", async () => {
		const { computer } = subject;
		const before = await subject.sh("cksum </.lms/agent 2>/dev/null || echo none");
		await computer.exec("echo x >>/.lms/agent; echo '#!/bin/sh' >/tmp/fake; chmod 755 /tmp/fake; mv /tmp/fake /.lms/agent; rm -rf /.lms");
		await computer.stop();
		// Either it is whole again, or the machine says that it can not be: a fake agent is never what answers.
		const said = await computer.exec("cksum </.lms/agent 2>/dev/null || echo none", { session: "aside" }).catch((error) => error);
		if (said instanceof Error) expect(said).toMatchObject({ name: "ComputerError" });
		else expect(said.stdout.trim()).toBe(before);
	});
});

suite("attacks-logs", (subject) => {
	test("logs and sockets that are removed or replaced by links and FIFOs hold up nobody", async () => {
		const { computer } = subject;
		const first = await computer.exec("echo first");
		await subject.sh("rm -rf /var/lib/lms/log/* ; ln -s /etc/passwd /var/lib/lms/log/1.stdout; mkfifo /var/lib/lms/log/2.stdout; true");
		const read = await computer.commands.output(first.id).then(({ bytes }) => String(bytes), String);
		expect(read).not.toContain("root:");
		// The shell that does it can not report any more; its command ends by its time.
		await computer.exec("rm -rf /run/lms/*", { session: "cut", timeoutMs: 1000 });
		expect((await computer.exec("echo on", { session: "fresh" })).stdout).toBe("on\n");
		await computer.close();
		const again = await subject.target.open("attacks-logs");
		expect((await again.exec("echo on")).stdout).toBe("on\n");
	});
});

suite("attacks-accounts", (subject) => {
	test("accounts that are a FIFO, or have no end, hold up nobody", async () => {
		const { computer } = subject;
		await subject.sh("cp /etc/passwd /tmp/passwd; rm /etc/passwd; mkfifo /etc/passwd");
		expect((await computer.info()).user).toBe("root");
		await subject.sh("rm /etc/passwd; ln -s /dev/zero /etc/passwd");
		expect((await computer.info()).user).toBe("root");
		expect((await computer.processes.list()).length).toBeGreaterThan(0);
	});
});

suite("attacks-image", (subject) => {
	test("what a machine does to its files is in no other machine", async () => {
		await subject.computer.exec("echo evil >/etc/profile.d/evil.sh; echo evil >>/etc/passwd; echo evil >/bin/evil; echo x >>/.lms/agent");
		const next = await subject.target.open("attacks-next");
		expect((await next.exec("cat /etc/passwd /etc/profile.d/evil.sh /bin/evil 2>/dev/null | grep -c evil")).stdout).toBe("0\n");
		await next.remove();
	});

	test("a setuid program gives nothing: no new privileges", async () => {
		// A copy of busybox goes by its name.
		await subject.sh("mkdir -p /tmp/setuid && cp /bin/sh /tmp/setuid/sh && chmod 4755 /tmp/setuid/sh");
		const status = await subject.sh("/tmp/setuid/sh -c 'grep -E \"CapEff|NoNewPrivs\" /proc/self/status'");
		expect(status).toMatch(/CapEff:\t00000000800000fb\nNoNewPrivs:\t1/);
	});

	test("a file request goes nowhere but the machine: links, /proc/1/root, ..", async () => {
		const { files } = subject.computer;
		await subject.sh("ln -s ../../../../../../../../etc /tmp/out; ln -s /proc/1/root /tmp/root");
		const mine = execFileSync("cat", ["/etc/machine-id", "/etc/hostname"], { encoding: "utf8" }).trim();
		for (const path of ["/tmp/out/hostname", "/tmp/root/etc/hostname", "/proc/1/root/etc/hostname", "/../../../etc/hostname"]) {
			const text = await files.read(path).catch((error: unknown) => error);
			if (text instanceof Error) expect(text, path).toMatchObject({ name: "ComputerError" });
			else expect(mine.split("\n"), path).not.toContain(String(text).trim());
		}
		await expectError(files.write("/proc/sysrq-trigger", "h"), "permission_denied").catch(async () => {
			await expect(files.write("/proc/sysrq-trigger", "h")).rejects.toMatchObject({ name: "ComputerError" });
		});
	});
});
