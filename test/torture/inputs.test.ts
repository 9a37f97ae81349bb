import { describe, expect, test } from "vitest";
import { expectError, suite } from "../support/suite.js";

// 20 and 25 are in test/conformance/paths.test.ts.
suite("torture-inputs", (subject) => {
	test("19. NUL in a command, a directory, an environment, a path: typed error", async () => {
		const { computer } = subject;
		await expectError(computer.exec("echo a\0b"), "invalid_argument");
		await expectError(computer.exec("echo", { cwd: "/tmp\0/x" }), "invalid_argument");
		await expectError(computer.exec("echo", { env: { A: "a\0b" } }), "invalid_argument");
		await expectError(computer.files.write("/tmp/a\0b", "x"), "invalid_argument");
		await expectError(computer.files.read(Buffer.from("/tmp/a\0b")), "invalid_argument");
		await expectError(computer.terminals.open("nul", { command: "echo \0" }), "invalid_argument");
	});

	test("21. A 1 MB command: runs", async () => {
		const word = "x".repeat(1_000_000);
		const result = await subject.computer.exec(`word='${word}'; echo \${#word}; : '${"\n".repeat(1000)}'; echo end`);
		expect(result).toMatchObject({ stdout: "1000000\nend\n", exitCode: 0, shell: "kept" });
		const lines = Array.from({ length: 50_000 }, (_, i) => `n=${i}  # a comment`).join("\n");
		expect((await subject.computer.exec(`${lines}\necho $n`)).stdout).toBe("49999\n");
	});

	test("a command past the bound is refused before it is sent", async () => {
		await expectError(subject.computer.exec(`: ${"x".repeat(16 * 1024 * 1024)}`), "too_large");
	});

	describe("22. Env names with `=`, a newline, LD_PRELOAD: validated", () => {
		test.each(["A=B", "A\nB", "", "1A", "A B", "A-B", "ä", "A\0", "LD_PRELOAD", "BASH_ENV", "PROMPT_COMMAND", "IFS", "LMS_COMMAND"])(
			"%j",
			async (name) => {
				await expectError(subject.computer.exec("echo ran >/tmp/ran", { env: { [name]: "x" } }), "invalid_argument");
				expect(await subject.computer.files.exists("/tmp/ran")).toBe(false);
			},
		);

		test("values are literal", async () => {
			const values = ["", "a=b", "line\nbreak\n", "'\"`$(touch /tmp/ran)\\", "-n", "*", "  spaces  ", "ä€", "x".repeat(100_000)];
			for (const value of values) {
				expect((await subject.computer.exec('printf %s "$VALUE"', { env: { VALUE: value } })).stdout).toBe(value);
			}
			expect(await subject.computer.files.exists("/tmp/ran")).toBe(false);
		});
	});

	test("23. A working directory such as /proc/self/fd/8: refused", async () => {
		await subject.sh("ln -s /proc/self/fd/8 /tmp/through");
		for (const cwd of ["/proc/self/fd/8", "/proc/1/root", "/proc/self/cwd/..", "/tmp/../proc/self", "/tmp/through"]) {
			const refused = subject.computer.exec("pwd", { cwd });
			await expect(refused, cwd).rejects.toMatchObject({
				name: "ComputerError",
				code: expect.stringMatching(/^(invalid_argument|not_found)$/),
			});
		}
	});

	test("24. A missing working directory: clear error, not exit 126; a file is none", async () => {
		await expect(subject.computer.exec("pwd", { cwd: "/no/such/directory" })).rejects.toMatchObject({
			code: "not_found",
			message: expect.stringContaining("/no"),
		});
		await expectError(subject.computer.exec("pwd", { cwd: "/etc/passwd" }), "not_a_directory");
		expect((await subject.computer.exec("pwd")).stdout).toBe("/home/user\n");
	});
});
