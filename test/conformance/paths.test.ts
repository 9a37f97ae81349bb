import { describe, expect, test } from "vitest";
import { expectError, suite } from "../support/suite.js";

suite("paths", (subject) => {
	describe("errors are prompt and say what", () => {
		test.each([
			["a missing file", "/tmp/not-there", "not_found"],
			["a directory", "/tmp", "not_a_file"],
			["/dev/zero", "/dev/zero", "not_a_file"],
			["a name below a file", "/proc/version/x", "not_a_directory"],
			["a name of 256 bytes", `/tmp/${"x".repeat(256)}`, "invalid_argument"],
		] as const)("25. Reading %s", async (_, path, code) => {
			await expectError(subject.computer.files.read(path), code);
		});

		test("25. Reading a FIFO: a prompt error; writing one too", async () => {
			await subject.sh("mkfifo /tmp/fifo");
			await expectError(subject.computer.files.read("/tmp/fifo"), "not_a_file");
			await expectError(subject.computer.files.write("/tmp/fifo", "x"), "not_a_file");
			await expectError(subject.computer.files.write("/tmp/fifo", "x", { append: true }), "not_a_file");
		});

		test("listing what is no directory, or not there", async () => {
			await expectError(subject.computer.files.list("/proc/version"), "not_a_directory");
			await expectError(subject.computer.files.list("/tmp/not-there"), "not_found");
		});

		test("writing over a directory, or below a file", async () => {
			await expectError(subject.computer.files.write("/tmp", "x"), "not_a_file");
			await expectError(subject.computer.files.write("/proc/version/x", "x"), "not_a_directory");
		});

		test("19. NUL in a path; one that is too long, or empty", async () => {
			await expectError(subject.computer.files.read("a\0b"), "invalid_argument");
			await expectError(subject.computer.files.read(`/${"x/".repeat(3000)}`), "invalid_argument");
			await expectError(subject.computer.files.read(""), "invalid_argument");
		});
	});

	describe("20. Newline, quotes, `$()`, a leading `-`, 255-byte and non-UTF-8 names: literal", () => {
		const names: [string, string | Buffer][] = [
			["a newline", "line\nbreak"],
			["quotes", `'single' "double" \`back\``],
			["$()", "$(touch ran) $HOME ${x} ; |&"],
			["a leading dash", "-rf"],
			["a glob", "*?[a]"],
			["spaces at the ends", "  two  "],
			["255 bytes", `${"ä".repeat(127)}x`],
			["percent signs", "%2e%2e%2f%00"],
			["not UTF-8", Buffer.from([0x66, 0xff, 0xfe, 0x2d, 0xe2, 0x82])],
		];

		test.each(names)("%s", async (_, name) => {
			const { files } = subject.computer;
			const at = (directory: string) => Buffer.concat([Buffer.from(`/tmp/${directory}/`), Buffer.from(name)]);
			await files.write(at("literal"), "content");
			expect(await files.readText(at("literal"))).toBe("content");
			const { entries } = await files.list("/tmp/literal");
			expect(entries.map((entry) => Buffer.from(entry.nameBytes ?? Buffer.from(entry.name)))).toEqual([Buffer.from(name)]);
			await files.move(at("literal"), at("moved"));
			await files.copy(at("moved"), at("literal"));
			await files.remove(at("moved"));
			// The shell sees one file of exactly these bytes.
			const seen = await subject.computer.exec('cd /tmp/literal && for f in *; do printf %s "$f"; done');
			expect(Buffer.from(seen.stdoutBytes)).toEqual(Buffer.from(name));
			await files.remove(at("literal"));
			expect((await files.list("/tmp/literal")).entries).toEqual([]);
		});

		test("a directory to run in", async () => {
			for (const [, name] of names.filter(([, name]) => typeof name === "string")) {
				const path = `/tmp/run in/${name}`;
				await subject.computer.files.mkdir(path);
				expect(await subject.computer.exec("pwd", { cwd: path, session: "in" })).toMatchObject({ stdout: `${path}\n`, cwd: "/home/user" });
				await subject.computer.exec(`cd '${path.replaceAll("'", `'\\''`)}'`, { session: "in" });
				expect((await subject.computer.exec("cd", { session: "in" })).cwd).toBe("/home/user");
			}
		});
	});
});
