import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { expectError, suite } from "../support/suite.js";

suite("exec", (subject) => {
	test("a result has every fact", async () => {
		const result = await subject.computer.exec("echo out; echo err >&2; cd /tmp");
		expect(result).toEqual({
			id: expect.stringMatching(/^\S+$/),
			session: "main",
			exitCode: 0,
			stdout: "out\n",
			stderr: "err\n",
			stdoutBytes: Buffer.from("out\n"),
			stderrBytes: Buffer.from("err\n"),
			stdoutOmittedBytes: 0,
			stderrOmittedBytes: 0,
			truncated: false,
			timedOut: false,
			running: false,
			durationMs: expect.any(Number),
			cwd: "/tmp",
			shell: "kept",
			reason: "exit",
		});
	});

	test.each([
		["0", "true", 0],
		["1", "false", 1],
		["126, a directory", "/tmp", 126],
		["127, no such command", "no-such-command-here", 127],
		["137, killed", "sh -c 'kill -9 $$'", 137],
		["143, terminated", "sh -c 'kill $$'", 143],
		["255", "(exit 255)", 255],
		["of the last one in a pipeline", "false | true", 0],
		["of a syntax error, not 0", "echo 'x", expect.toSatisfy((code) => code === 1 || code === 2)],
	])("exit code %s", async (_, command, exitCode) => {
		expect(await subject.computer.exec(command)).toMatchObject({ exitCode, shell: "kept" });
	});

	test("`$?` is the one of the command before", async () => {
		const session = "status";
		await subject.computer.exec("(exit 42)", { session });
		expect((await subject.computer.exec("echo $?", { session })).stdout).toBe("42\n");
	});

	describe("streams", () => {
		test("are apart and byte for byte", async () => {
			const result = await subject.computer.exec("printf 'a\\0\\377b'; printf '\\200\\0' >&2");
			expect(Buffer.from(result.stdoutBytes)).toEqual(Buffer.from([0x61, 0, 0xff, 0x62]));
			expect(Buffer.from(result.stderrBytes)).toEqual(Buffer.from([0x80, 0]));
			expect(result).toMatchObject({ stdout: "a\0\ufffdb", stderr: "\ufffd\0" });
		});

		test("without a last newline, and empty", async () => {
			expect(await subject.computer.exec("printf x")).toMatchObject({ stdout: "x", stderr: "" });
			expect(await subject.computer.exec("")).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
		});

		test("a UTF-8 character that comes in two pieces is whole in the text of onOutput", async () => {
			// The reader tells when it has the first half; only then the second is written.
			const texts: string[] = [];
			const bytes: Uint8Array[] = [];
			let first = () => {};
			const seen = new Promise<void>((resolve) => (first = resolve));
			const stdin = (async function* () {
				await seen;
				yield "go\n";
			})();
			const result = await subject.computer.exec("printf 'x\\342\\202'; read line; printf '\\254y'", {
				stdin,
				onOutput: (chunk) => {
					texts.push(chunk.text);
					bytes.push(chunk.bytes);
					first();
				},
			});
			expect(texts).toEqual(["x", "€y"]);
			expect(Buffer.concat(bytes)).toEqual(Buffer.from("x€y"));
			expect(result.stdout).toBe("x€y");
		});
	});

	describe("directory and environment", () => {
		test("cd, variables, functions and exports stay", async () => {
			const session = "state";
			await subject.computer.exec("cd /etc; plain=1; export EXPORTED='a b'; f() { echo \"f $1\"; }", { session });
			const result = await subject.computer.exec("pwd; echo $plain $EXPORTED; f x", { session });
			expect(result).toMatchObject({ stdout: "/etc\n1 a b\nf x\n", cwd: "/etc" });
		});

		test("cwd and env are for one command", async () => {
			const session = "once";
			const once = await subject.computer.exec('pwd; echo "$ONCE"', { session, cwd: "/etc/../etc", env: { ONCE: "it's $HOME\n*" } });
			expect(once).toMatchObject({ stdout: "/etc\nit's $HOME\n*\n", cwd: "/home/user" });
			expect(await subject.computer.exec('pwd; echo "[$ONCE]"', { session })).toMatchObject({ stdout: "/home/user\n[]\n" });
		});

		test("a relative cwd begins where the session is, ~ at home", async () => {
			const session = "relative";
			await subject.computer.exec("mkdir -p /tmp/relative/below; cd /tmp/relative", { session });
			expect((await subject.computer.exec("pwd", { session, cwd: "below" })).stdout).toBe("/tmp/relative/below\n");
			expect((await subject.computer.exec("pwd", { session, cwd: "~" })).stdout).toBe("/home/user\n");
		});

		test("`exit 3` is 3; directory and exports live on in a fresh shell", async () => {
			const session = "exit";
			const result = await subject.computer.exec("cd /etc; export KEPT=yes; plain=no; exit 3", { session });
			expect(result).toMatchObject({ exitCode: 3, shell: "exited", cwd: "/etc" });
			const next = await subject.computer.exec('pwd; echo "$KEPT[$plain]"', { session });
			expect(next).toMatchObject({ stdout: "/etc\nyes[]\n", shell: "kept" });
		});
	});

	describe("stdin", () => {
		test("is at its end unless given", async () => {
			expect(await subject.computer.exec("cat; echo end")).toMatchObject({ stdout: "end\n", exitCode: 0 });
		});

		test.each([
			["a string", () => "sträng\n", "sträng\n"],
			["bytes", () => Buffer.from("bytes\n"), "bytes\n"],
			["a stream", () => Readable.from([Buffer.from("a "), "stream\n"]), "a stream\n"],
			["empty", () => "", ""],
		])("%s", async (_, stdin, stdout) => {
			expect(await subject.computer.exec("cat", { stdin: stdin() })).toMatchObject({ stdout, exitCode: 0 });
		});

		test("8 MB pass unchanged", async () => {
			const bytes = Buffer.alloc(8_000_000, "0123456789abcde\n");
			const result = await subject.computer.exec("wc -c", { stdin: bytes });
			expect(result.stdout.trim()).toBe("8000000");
		});

		test("a command that reads nothing does not wait for it", async () => {
			const endless = new Readable({ read() {} });
			expect(await subject.computer.exec("echo done", { stdin: endless })).toMatchObject({ stdout: "done\n" });
			endless.destroy();
		});
	});

	test("50 commands at once in 10 sessions, each its own output", async () => {
		const runs = Array.from({ length: 50 }, (_, i) => ({ i, session: `many-${i % 10}` }));
		const results = await Promise.all(
			runs.map(({ i, session }) => subject.computer.exec(`echo "out $i"; echo "err $i" >&2; (exit $i)`, { session, env: { i: `${i}` } })),
		);
		for (const { i, session } of runs) {
			expect(results[i]).toMatchObject({ stdout: `out ${i}\n`, stderr: `err ${i}\n`, exitCode: i, session });
		}
	});

	test("commands of one session run in the order of their calls", async () => {
		const session = "order";
		const results = await Promise.all(Array.from({ length: 10 }, () => subject.computer.exec("n=$((n+1)); echo $n", { session })));
		expect(results.map((result) => result.stdout.trim())).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
	});

	test.each([
		["a session's name", { session: "no/slash" }],
		["a negative timeout", { timeoutMs: -1 }],
		["an empty directory", { cwd: "" }],
	])("refuses %s", async (_, options) => {
		await expectError(subject.computer.exec("echo ran", options), "invalid_argument");
	});
});
