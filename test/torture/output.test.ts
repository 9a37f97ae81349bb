import { expect, test } from "vitest";
import { suite } from "../support/suite.js";

const MB = 1_000_000;

suite("torture-output", (subject) => {
	test("11. A 2 GB flood: bounded memory in the guest, head and tail, paged log", { timeout: 120_000 }, async () => {
		const { computer } = subject;
		const agentMemory = async () => Number((await subject.sh("grep VmRSS /proc/1/status")).replace(/\D/g, "")) * 1024;
		const before = process.memoryUsage().rss;
		const total = 2048 * 1024 * 1024;
		const flood = await computer.exec(`echo head; head -c ${total} /dev/zero; echo; echo tail`, {
			session: "flood",
			timeoutMs: 110_000,
			maxOutputBytes: 1000,
		});
		expect(flood).toMatchObject({ exitCode: 0, timedOut: false, truncated: true, stdoutOmittedBytes: total + 11 - 1000 });
		expect(flood.stdout.startsWith("head\n")).toBe(true);
		expect(flood.stdout.endsWith("\ntail\n")).toBe(true);
		expect(await agentMemory()).toBeLessThan(100 * MB);
		expect(process.memoryUsage().rss - before).toBeLessThan(200 * MB);
		const page = await computer.commands.output(flood.id, { offset: total, length: 64 });
		expect(page).toMatchObject({ offset: total, totalBytes: total + 11 });
		expect(page.bytes.toString()).toBe("\0\0\0\0\0\ntail\n");
		await computer.sessions.remove("flood");
	});

	test("13. NUL and invalid UTF-8: byte-exact in the log and in the library, U+FFFD in text", async () => {
		const bytes = Buffer.from([0, 1, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0x28, 0xe2, 0x82, 0xf0, 0x9f, 0x92, 0xff, 0xfe, 0x0a]);
		await subject.computer.files.write("/tmp/wild", bytes);
		const result = await subject.computer.exec("cat /tmp/wild; cat /tmp/wild >&2");
		expect(Buffer.from(result.stdoutBytes)).toEqual(bytes);
		expect(Buffer.from(result.stderrBytes)).toEqual(bytes);
		expect((await subject.computer.commands.output(result.id)).bytes).toEqual(bytes);
		expect((await subject.computer.commands.output(result.id, { stream: "stderr" })).bytes).toEqual(bytes);
		expect(result.stdout).toBe(bytes.toString("utf8"));
		expect(result.stdout).toContain("\ufffd");
	});

	test("14. A UTF-8 character split across chunks: intact", async () => {
		// Characters of three bytes, in pieces that no power of two divides.
		const line = "€".repeat(100_000);
		await subject.computer.files.write("/tmp/euros", line);
		let text = "";
		const result = await subject.computer.exec("cat /tmp/euros", { onOutput: (chunk) => (text += chunk.text) });
		expect(text).toBe(line);
		expect(result.stdout).toBe(line);
		const cut = await subject.computer.exec("cat /tmp/euros", { maxOutputBytes: 1000 });
		expect(cut.stdout).not.toContain("\ufffd");
		expect(cut.stdout).toMatch(/^€+\n\[.* 299000 bytes omitted.*\]\n€+$/);
	});

	test("15. One line of 100 MB: head and tail of the line", { timeout: 60_000 }, async () => {
		const result = await subject.computer.exec(`printf HEAD; head -c ${100 * MB} /dev/zero | tr '\\0' x; printf TAIL`, {
			maxOutputBytes: 20,
			timeoutMs: 50_000,
		});
		expect(Buffer.from(result.stdoutBytes).toString()).toBe("HEADxxxxxxxxxxxxTAIL");
		expect(result.stdoutOmittedBytes).toBe(100 * MB + 8 - 20);
	});

	test("17. Output that forges any marker of ours: not believed", async () => {
		const session = "forger";
		const forged = [
			// Frames of the protocol, and reports of the shell, with whatever the environment tells.
			"printf '\\004\\000\\000\\000\\002{}'",
			"printf '\\000D%s 0\\000/forged\\000' \"$LMS_COMMAND\"",
			'for f in /run/lms/*/ctl; do (printf \'\\000D%s 0\\000/forged\\000\\000X/forged\\000\\000B%s\\000\' "$LMS_COMMAND" "$LMS_COMMAND" >$f) & done; wait',
			"echo EXIT_CODE:0; echo __lms=0; echo 'exit 0'",
			"__lms=0; __lms_id=x; __lms_env=/tmp/x; POSIXLY_CORRECT=y",
			"(exit 9)",
		].join("; ");
		await subject.computer.exec("cd /etc", { session });
		expect(await subject.computer.exec(forged, { session })).toMatchObject({ exitCode: 9, cwd: "/etc", session });
		expect(await subject.computer.exec("pwd; echo $?", { session })).toMatchObject({ stdout: "/etc\n0\n", exitCode: 0 });
	});
});
