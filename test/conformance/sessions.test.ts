import { expect, test } from "vitest";
import { expectError, guestArguments, suite } from "../support/suite.js";

suite("sessions", (subject) => {
	test("open makes one, and finds it again", async () => {
		const made = await subject.computer.sessions.open("one");
		expect(made).toEqual({
			name: "one",
			cwd: "/home/user",
			pid: expect.any(Number),
			shell: expect.stringMatching(subject.target.shell === "bash" ? /\/bash$/ : /\/sh$/),
			busy: false,
			queued: 0,
		});
		expect((await subject.computer.sessions.open("one")).pid).toBe(made.pid);
		expect((await subject.computer.exec("echo $$", { session: "one" })).stdout).toBe(`${made.pid}\n`);
	});

	test("nothing of ours is in a shell's history, nor in the file that it keeps", async () => {
		if (subject.target.shell !== "bash") return;
		const seen = await subject.computer.exec("history; history -w ~/kept; cat ~/kept", { session: "fresh" });
		expect(seen.stdout).not.toContain("PS1=");
		await subject.computer.exec("exit 3", { session: "fresh" });
		expect((await subject.computer.exec("history", { session: "fresh" })).stdout).not.toContain("PS1=");
	});

	test("the list tells where each is, what runs and what waits", async () => {
		await subject.computer.exec("cd /tmp", { session: "listed" });
		const running = await subject.computer.spawn("read line", { session: "listed", stdin: true });
		// Its place in the queue is taken once its request is there: the list is asked on the same connection after it.
		const queued = subject.computer.exec("echo queued", { session: "listed" });
		await expect
			.poll(async () => (await subject.computer.sessions.list()).find(({ name }) => name === "listed"), { timeout: 10_000 })
			.toMatchObject({ cwd: "/tmp", busy: true, queued: 1 });
		await running.end();
		expect((await queued).stdout).toBe("queued\n");
		expect((await subject.computer.sessions.list()).find(({ name }) => name === "listed")).toMatchObject({ busy: false, queued: 0 });
	});

	test("sessions know nothing of each other's state", async () => {
		await subject.computer.exec("cd /tmp; export A=1; x=1", { session: "left" });
		expect((await subject.computer.exec('pwd; echo "[$A$x]"', { session: "right" })).stdout).toBe("/home/user\n[]\n");
	});

	test("remove ends its shell and its command; the next command begins anew", async () => {
		const session = "removed";
		await subject.computer.exec("cd /tmp; export A=1", { session });
		const running = await subject.computer.spawn("sleep 100021; echo never", { session });
		await subject.computer.sessions.remove(session);
		expect((await running.result).stdout).toBe("");
		expect(await guestArguments(subject.computer)).not.toContain("100021");
		expect((await subject.computer.sessions.list()).map(({ name }) => name)).not.toContain(session);
		expect((await subject.computer.exec('pwd; echo "[$A]"', { session })).stdout).toBe("/home/user\n[]\n");
	});

	test("what cannot be a name is refused, what is not there is not_found", async () => {
		await expectError(subject.computer.sessions.open("../x"), "invalid_argument");
		await expectError(subject.computer.sessions.open(""), "invalid_argument");
		await expectError(subject.computer.sessions.remove("never-made"), "not_found");
	});
});
