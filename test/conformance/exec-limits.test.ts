import { describe, expect, test } from "vitest";
import { expectError, guestArguments, suite } from "../support/suite.js";

suite("exec-limits", (subject) => {
	describe("a timeout", () => {
		test("kills the tree and keeps what was written; the session works on", async () => {
			const session = "timeout";
			await subject.computer.exec("cd /etc; export KEPT=yes", { session });
			const result = await subject.computer.exec("echo before; sleep 100001 & sh -c 'sleep 100002; echo never'; echo after", {
				session,
				timeoutMs: 500,
			});
			expect(result).toMatchObject({ stdout: "before\n", timedOut: true, running: false, exitCode: 124, cwd: "/etc" });
			expect(await guestArguments(subject.computer)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^10000[12]$/)]));
			expect((await subject.computer.exec("pwd; echo $KEPT", { session })).stdout).toBe("/etc\nyes\n");
		});

		test("of a loop in the shell itself keeps the shell", async () => {
			const session = "loop";
			await subject.computer.exec("plain=kept", { session });
			const result = await subject.computer.exec("while :; do :; done; echo never", { session, timeoutMs: 300 });
			expect(result).toMatchObject({ timedOut: true, exitCode: 124, stdout: "", shell: "kept" });
			expect((await subject.computer.exec("echo $plain", { session })).stdout).toBe("kept\n");
		});

		test("is counted from the start, not from the queue", async () => {
			const session = "queue";
			const [, second] = await Promise.all([
				subject.computer.exec("sleep 1.5", { session }),
				subject.computer.exec("echo ran", { session, timeoutMs: 1_000 }),
			]);
			expect(second).toMatchObject({ stdout: "ran\n", timedOut: false });
		});

		test("can make it a job, which lives on; the session goes on where it was", async () => {
			const session = "job";
			await subject.computer.exec("cd /etc; export KEPT=yes; mkfifo /tmp/job", { session });
			const result = await subject.computer.exec("echo before; read line </tmp/job; echo $line; exit 5", {
				session,
				timeoutMs: 300,
				onTimeout: "job",
			});
			expect(result).toMatchObject({ stdout: "before\n", timedOut: true, running: true, exitCode: null, shell: "moved", cwd: "/etc" });
			expect((await subject.computer.exec("pwd; echo $KEPT; echo late >/tmp/job", { session })).stdout).toBe("/etc\nyes\n");
			expect(await subject.computer.commands.wait(result.id)).toMatchObject({ running: false, exitCode: 5 });
			expect((await subject.computer.commands.output(result.id)).bytes.toString()).toBe("before\nlate\n");
		});
	});

	describe("an aborted signal", () => {
		test("kills the tree and rejects with `canceled`", async () => {
			const session = "abort";
			const controller = new AbortController();
			const running = subject.computer.exec("sleep 100003 & echo started; sh -c 'sleep 100004; echo never'", {
				session,
				signal: controller.signal,
				onOutput: () => controller.abort(),
			});
			await expectError(running, "canceled");
			// In the same session: it is free once the tree is gone.
			expect((await subject.computer.exec("echo on", { session })).stdout).toBe("on\n");
			expect(await guestArguments(subject.computer)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^10000[34]$/)]));
		});

		test("in the queue: it never runs", async () => {
			const session = "abort-queued";
			const first = subject.computer.spawn("read line; echo $line", { session, stdin: true });
			const controller = new AbortController();
			const blocked = await first;
			const queued = subject.computer.exec("echo ran >/tmp/ran", { session, signal: controller.signal });
			controller.abort();
			await expectError(queued, "canceled");
			await blocked.write("on\n");
			expect((await blocked.result).stdout).toBe("on\n");
			expect((await subject.computer.exec("ls /tmp/ran", { session })).exitCode).not.toBe(0);
		});

		test("aborted before: nothing is sent", async () => {
			await expectError(subject.computer.exec("echo x", { signal: AbortSignal.abort() }), "canceled");
		});
	});

	describe("maxOutputBytes", () => {
		// Numbers of seven digits and a newline: 8 bytes each.
		const lines = (from: number, count: number) => Array.from({ length: count }, (_, i) => `${from + i}\n`).join("");

		test.each(["guest", "host"])("head and tail exactly, cut by the %s", async (who) => {
			let seen = 0;
			const onOutput =
				who === "host"
					? (chunk: { bytes: Uint8Array }) => {
							seen += chunk.bytes.length;
						}
					: undefined;
			const result = await subject.computer.exec("seq 1000000 1099999; seq 1000000 1099999 >&2", { maxOutputBytes: 1601, onOutput });
			const head = `${lines(1_000_000, 101).slice(0, 801)}`;
			const tail = lines(1_099_900, 100);
			expect(Buffer.from(result.stdoutBytes).toString()).toBe(head + tail);
			expect(Buffer.from(result.stderrBytes).toString()).toBe(head + tail);
			expect(result).toMatchObject({ truncated: true, stdoutOmittedBytes: 798_399, stderrOmittedBytes: 798_399 });
			expect(result.stdout).toContain("798399 bytes omitted");
			if (who === "host") expect(seen).toBe(1_600_000);
		});

		test("exactly as much is not cut, one byte more is", async () => {
			expect(await subject.computer.exec("printf 1234", { maxOutputBytes: 4 })).toMatchObject({ truncated: false, stdout: "1234" });
			const cut = await subject.computer.exec("printf 12345", { maxOutputBytes: 4 });
			expect(Buffer.from(cut.stdoutBytes).toString()).toBe("1245");
			expect(cut.stdoutOmittedBytes).toBe(1);
		});
	});

	describe("spawn", () => {
		test("output as it comes, stdin as it goes, and a result", async () => {
			const execution = await subject.computer.spawn('while read line; do echo "got $line"; done; exit 7', {
				session: "spawn",
				stdin: true,
			});
			await execution.write("one\n");
			const texts: string[] = [];
			for await (const chunk of execution) {
				texts.push(chunk.text);
				if (texts.length === 1) await execution.write("two\n");
				if (texts.length === 2) await execution.end();
			}
			expect(texts).toEqual(["got one\n", "got two\n"]);
			expect(await execution.result).toMatchObject({ exitCode: 7, stdout: "got one\ngot two\n" });
		});

		test("12. A reader that stalls stalls its own command and nobody else", async () => {
			const bytes = 64_000_000;
			const execution = await subject.computer.spawn(`head -c ${bytes} /dev/zero; echo end >&2`, { session: "stalled" });
			const reader = execution[Symbol.asyncIterator]();
			await reader.next();
			// Beside it, more than any window of one connection passes.
			for (let i = 0; i < 3; i++) {
				const other = await subject.computer.exec("head -c 4000000 /dev/zero", { session: "beside", maxOutputBytes: 8_000_000 });
				expect(other.stdoutBytes.length).toBe(4_000_000);
			}
			const state = await subject.computer.commands.get(execution.id);
			expect(state.running).toBe(true);
			expect(state.stdoutBytes).toBeLessThan(bytes / 2);
			let left = 0;
			for (;;) {
				const { done, value } = await reader.next();
				if (done) break;
				if (value.stream === "stdout") left += value.bytes.length;
			}
			const result = await execution.result;
			expect(result).toMatchObject({ exitCode: 0, stderr: "end\n" });
			expect(result.stdoutBytes.length + result.stdoutOmittedBytes).toBe(bytes);
			expect(left).toBeGreaterThan(bytes / 2);
		});

		test("leaving the loop lets the command go on", async () => {
			const execution = await subject.computer.spawn("echo first; seq 1 500000; echo last", { session: "left" });
			for await (const _ of execution) break;
			expect((await execution.result).stdout).toMatch(/^first\n[\s\S]*\nlast\n$/);
		});

		test("kill ends the tree", async () => {
			const execution = await subject.computer.spawn("sleep 100005; echo never", { session: "killed" });
			await execution.kill();
			expect((await execution.result).stdout).toBe("");
			expect(await guestArguments(subject.computer)).not.toContain("100005");
		});
	});
});
