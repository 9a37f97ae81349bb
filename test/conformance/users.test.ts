import { describe, expect, test } from "vitest";
import { MATRIX } from "../support/drivers.js";
import { expectError, output } from "../support/suite.js";

// Perl is in every Debian, nc in every busybox.
const LISTENS = "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(LocalPort => 8033, Listen => 1) and sleep 100' || nc -l -p 8033";

// A computer whose programs run as somebody else than root.
describe.for(MATRIX)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("users", () => {
		const open = (name = "user", user = "alice") => target.open(name, { user });

		test("another one than root is refused where the capabilities say so", async ({ skip }) => {
			if (target.capabilities.otherUsers) skip("this driver has other users");
			await expectError(open(), "not_supported");
		});

		test("commands, jobs and terminals run as the user, whose account is made where it is missing", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			expect(await output(computer, "id -un; id -u; id -gn; echo $USER; pwd", "main")).toBe("alice\n1000\nalice\nalice\n/home/user");
			expect(await computer.info()).toMatchObject({ user: "alice", uid: 1000 });
			const job = await computer.commands.start("id -u");
			await computer.commands.wait(job.id);
			expect((await computer.commands.output(job.id)).bytes.toString()).toBe("1000\n");
			const terminal = await computer.terminals.open("who", { command: "id -u; tty; : >$(tty) && echo written" });
			let shown = "";
			for await (const chunk of await terminal.attach()) shown += chunk;
			expect(shown).toMatch(/1000\s+\/dev\/pts\/\d+\s+written/);
		});

		test("the user is nobody special: root's files can not be written, root's processes not be signalled", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			for (const command of ["echo x >/etc/x", "kill -9 1", "cat /proc/1/environ", "ls /var/lib/lms/log/*"]) {
				expect([command, (await computer.exec(command)).exitCode === 0]).toEqual([command, false]);
			}
			await expectError(computer.files.readText("/proc/1/environ"), "permission_denied");
			await expectError(computer.files.write("/etc/x", "x"), "permission_denied");
			await expectError(computer.files.remove("/etc/passwd"), "permission_denied");
			await expectError(computer.files.replace("/etc/passwd", [{ old: "root", new: "toor", all: true }]), "permission_denied");
		});

		test("a directory that the user can not enter is refused: a command never runs elsewhere", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			await computer.exec("mkdir -p closed && chmod 0 closed");
			await expectError(computer.exec("pwd", { cwd: "~/closed" }), "permission_denied");
			await expectError(computer.commands.start("pwd", { cwd: "~/closed" }), "permission_denied");
			await expectError(computer.terminals.open("closed", { command: "pwd", cwd: "~/closed" }), "permission_denied");
			expect(await output(computer, "pwd; rmdir closed")).toBe("/home/user");
		});

		test("a session whose directory was closed goes on at home", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			await computer.exec("mkdir closing && cd closing && chmod 0 . && exit 1", { session: "closed" });
			expect(await output(computer, "pwd; rmdir closing", "closed")).toBe("/home/user");
		});

		test("what file requests make is the user's", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			expect(await computer.files.write("a/b/c", "x")).toMatchObject({ uid: 1000, gid: 1000 });
			await computer.files.mkdir("made");
			await computer.files.copy("a", "copied");
			expect(await output(computer, "stat -c %U ~ ~/a ~/a/b ~/made ~/copied/b/c; rm -r ~/a ~/made ~/copied")).toBe(
				"alice\n".repeat(5).trim(),
			);
		});

		test("a command of the user's is killed with all it started, and is seen with its id", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			const killed = await computer.exec("setsid sleep 100071 & sleep 100072", { timeoutMs: 300 });
			expect(killed).toMatchObject({ timedOut: true });
			const job = await computer.commands.start("sleep 100073");
			const sleepers = async () => (await computer.processes.list()).filter(({ command }) => /^sleep 10007/.test(command));
			await expect
				.poll(async () => (await sleepers()).map(({ command, user, commandId }) => [command, user, commandId]))
				.toEqual([["sleep 100073", "alice", job.id]]);
			await computer.commands.kill(job.id);
		});

		test("the user's programs are looked at: whether one reads its input, and what listens", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			const reads = await computer.commands.start("read line; echo $line", { stdin: true });
			expect(await computer.commands.wait(reads.id, { input: true, timeoutMs: 60_000 })).toMatchObject({ readsInput: true });
			await computer.commands.kill(reads.id);
			const server = await computer.commands.start(LISTENS);
			const listening = async () => (await computer.processes.ports()).find(({ port }) => port === 8033);
			await expect.poll(listening).toMatchObject({ uid: 1000, program: expect.stringMatching(/^(perl|nc)$/) });
			await computer.commands.kill(server.id);
		});

		test("the shell outlives a stop in the same place, and the account is the same", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open();
			await computer.exec("mkdir -p kept && cd kept && echo x >file && export KEPT=1");
			await computer.stop();
			expect((await computer.exec('id -u; pwd; cat file; echo "$KEPT"; grep -c alice /etc/passwd')).stdout).toBe(
				"1000\n/home/user/kept\nx\n1\n1\n",
			);
		});

		test("numbers do, known or not", async ({ skip }) => {
			if (!target.capabilities.otherUsers) skip("a driver that has root alone");
			const computer = await open("numbers", "2345:3456");
			expect(await output(computer, "id -u; id -g; touch ~/x && stat -c %u:%g ~/x")).toBe("2345\n3456\n2345:3456");
		});
	});
});
