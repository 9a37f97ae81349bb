import type { Computer } from "lms-computer";
import { describe, expect, test } from "vitest";
import type { Replacement } from "../../packages/computer/src/agent/edits.js";
import { suite } from "../support/suite.js";

/** Each line is another, and none is UTF-8. */
const LARGE = Array.from({ length: 160_000 }, (_, index) => `${index}: ${"x".repeat(24)} \xff`);
const LARGE_BYTES = Buffer.from(LARGE.join("\n"), "latin1");

suite("edits", (subject) => {
	const files = (): Computer["files"] => subject.computer.files;

	describe("lines", () => {
		test("a range, the rest, and past the end", async () => {
			await files().write("lines", "one\r\ntwo\n\nfour");
			const all = await files().lines("lines");
			expect(all).toEqual({
				text: "one\r\ntwo\n\nfour",
				bytes: Buffer.from("one\r\ntwo\n\nfour"),
				startLine: 1,
				endLine: 4,
				totalLines: 4,
				offset: 0,
				truncated: false,
				binary: false,
			});
			expect(await files().lines("lines", { start: 2, end: 3 })).toMatchObject({ text: "two\n\n", startLine: 2, endLine: 3, offset: 5 });
			expect(await files().lines("lines", { start: 4, end: 900 })).toMatchObject({ text: "four", endLine: 4, totalLines: 4 });
			expect(await files().lines("lines", { start: 9 })).toMatchObject({ text: "", startLine: 9, endLine: 8, totalLines: 4 });
			await files().write("lines", "");
			expect(await files().lines("lines")).toMatchObject({ text: "", endLine: 0, totalLines: 0 });
		});

		test("whole lines as far as they fit, a longer one cut, and binary is told", async () => {
			await files().write("wide", `${"a".repeat(99)}\n${"b".repeat(99)}\n${"c".repeat(500)}`);
			expect(await files().lines("wide", { maxBytes: 250 })).toMatchObject({ endLine: 2, totalLines: 3, truncated: true, binary: false });
			const cut = await files().lines("wide", { start: 3, maxBytes: 250 });
			expect(cut).toMatchObject({ text: "c".repeat(250), endLine: 3, offset: 200, truncated: true });
			await files().write("binary", Buffer.from([0x61, 0x0a, 0xff, 0x00, 0x0a]));
			const binary = await files().lines("binary", { start: 2 });
			expect(binary).toMatchObject({ binary: true, text: "\ufffd\0\n", totalLines: 2 });
			expect(binary.bytes).toEqual(Buffer.from([0xff, 0x00, 0x0a]));
		});

		test("what is no file, and what is no range", async () => {
			await expect(files().lines("/tmp")).rejects.toMatchObject({ code: "not_a_file" });
			await expect(files().lines("nothing")).rejects.toMatchObject({ code: "not_found" });
			await expect(files().lines("lines", { start: 0 })).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().lines("lines", { start: 3, end: 2 })).rejects.toMatchObject({ code: "invalid_argument" });
		});
	});

	describe("replace", () => {
		test("several, each in the result of the one before, in one write", async () => {
			await files().write("code", "a = 1\nb = 2\nc = a\nd = a\n", { mode: 0o750 });
			const before = await subject.sh("stat -c %i /home/user/code");
			const { entry, ...rest } = await files().replace("code", [
				{ old: "b = 2", new: "b = a" },
				{ old: "= a", new: "= x\n  + y", all: true },
				{ old: "a = 1\n", new: "" },
			]);
			expect(rest).toEqual({
				replaced: [
					{ count: 1, firstLine: 1 },
					{ count: 3, firstLine: 1 },
					{ count: 1, firstLine: 1 },
				],
				totalLines: 6,
			});
			expect(entry).toMatchObject({ name: "code", path: "/home/user/code", mode: 0o750, uid: 0, size: 36 });
			expect(await files().readText("code")).toBe("b = x\n  + y\nc = x\n  + y\nd = x\n  + y\n");
			expect(await subject.sh("stat -c %i /home/user/code")).not.toBe(before);
		});

		test("every character means itself", async () => {
			await files().write("literal", "cost: $& (.*) \\1 \0 €\n");
			await files().replace("literal", [
				{ old: "$& (.*) \\1 \0", new: "$1 $$ $` \\n %s" },
				{ old: Buffer.from("€"), new: Buffer.from([0xff, 0xfe]) },
			]);
			expect(await files().read("literal")).toEqual(
				Buffer.concat([Buffer.from("cost: $1 $$ $` \\n %s "), Buffer.from([0xff, 0xfe, 0x0a])]),
			);
		});

		test("line endings, a missing last newline and the bytes around stay", async () => {
			const rest = Buffer.from([0xef, 0xbb, 0xbf, 0x80, 0x0d, 0x0a]);
			await files().write("crlf", Buffer.concat([rest, Buffer.from("one\r\ntwo\r\nthree")]));
			await files().replace("crlf", [{ old: "one\ntwo", new: "1\n2\n2b" }], { matchLineEndings: true });
			await files().replace("crlf", [{ old: "three", new: "3" }]);
			expect(await files().read("crlf")).toEqual(Buffer.concat([rest, Buffer.from("1\r\n2\r\n2b\r\n3")]));
		});

		test("a symlink is written through", async () => {
			await files().write("linked/real", "old\n");
			await subject.sh("ln -s real /home/user/linked/name");
			await files().replace("linked/name", [{ old: "old", new: "new" }]);
			expect(await subject.sh("cd /home/user/linked && readlink name && cat real")).toBe("real\nnew");
		});

		test("5 MB, byte for byte", async () => {
			await files().write("large", LARGE_BYTES);
			const old = `${LARGE[99_999]}\n${LARGE[100_000]}\n`;
			const { replaced, totalLines } = await files().replace("large", [{ old: Buffer.from(old, "latin1"), new: "here\n" }]);
			expect({ replaced, totalLines }).toEqual({ replaced: [{ count: 1, firstLine: 100_000 }], totalLines: 159_999 });
			const at = LARGE_BYTES.indexOf(old, 0, "latin1");
			const expected = Buffer.concat([LARGE_BYTES.subarray(0, at), Buffer.from("here\n"), LARGE_BYTES.subarray(at + old.length)]);
			expect(Buffer.compare(await files().read("large"), expected)).toBe(0);
		});

		const SOURCE = "function one() {\n\treturn 1;\n}\n\nfunction two() {\n\treturn 1;\n}\n";
		test.each<[string, Replacement, object, RegExp]>([
			["twice", { old: "return 1;", new: "x" }, { matches: 2, lines: [2, 6] }, /`all`/],
			[
				"white space",
				{ old: "function two() {\n    return 1;", new: "x" },
				{ matches: 0, difference: "white_space" },
				/spaces, tabs.*line 5/,
			],
			["line endings", { old: "}\r\n\r\nfunction two", new: "x" }, { difference: "line_endings" }, /matchLineEndings/],
			["line numbers", { old: "5\tfunction two() {\n6\t\treturn 1;", new: "x" }, { difference: "line_numbers" }, /line numbers/],
			["case", { old: "function Two() {", new: "x" }, { difference: "case" }, /case.*line 5/],
			["a word", { old: "function two(x) {\n\treturn 2;", new: "x" }, { closest: { line: 5 } }, /exactly.*line 5/],
			["everything", { old: "~~~~####", new: "x" }, { matches: 0 }, /nothing in it/],
		])("refused, and nothing written: %s", async (_name, replacement, context, hint) => {
			await files().write("refused", SOURCE);
			const path = "/home/user/refused";
			await expect(files().replace("refused", [{ old: "one", new: "1" }, replacement])).rejects.toMatchObject({
				code: "invalid_argument",
				hint: expect.stringMatching(hint),
				context: { path, index: 1, ...context },
			});
			expect(await files().readText("refused")).toBe(SOURCE);
		});

		test("the closest place comes with its text and a diff", async () => {
			await files().write("closest", "alpha\n\tbeta = 1;\ngamma\n");
			await expect(files().replace("closest", [{ old: "    beta = 1;\ngamma\n", new: "" }])).rejects.toMatchObject({
				context: { closest: { line: 2, text: "\tbeta = 1;\ngamma\n", diff: "-     beta = 1;\n+ \tbeta = 1;\n  gamma" } },
			});
		});

		test("edits at the same time all arrive", async () => {
			const names = Array.from({ length: 20 }, (_, i) => `<${i}>`);
			await files().write("together", names.join("\n"));
			await Promise.all(names.map((name) => files().replace("together", [{ old: name, new: name.slice(1, -1) }])));
			expect(await files().readText("together")).toBe(names.map((name) => name.slice(1, -1)).join("\n"));
		});

		test("what cannot be an edit", async () => {
			const refused = (replacements: readonly Replacement[]) =>
				expect(files().replace("code", replacements)).rejects.toMatchObject({ code: "invalid_argument" });
			await refused([]);
			await refused([{ old: "", new: "x" }]);
			await refused([{ old: "a", new: "\ud800" }]);
			await refused(Array.from({ length: 101 }, () => ({ old: "a", new: "b" })));
			await expect(files().replace("nothing", [{ old: "a", new: "b" }])).rejects.toMatchObject({ code: "not_found" });
			await expect(files().replace("/tmp", [{ old: "a", new: "b" }])).rejects.toMatchObject({ code: "not_a_file" });
		});
	});

	describe("insert", () => {
		test("before the first line, in the middle, past the end", async () => {
			await files().write("list", "a\nb\n", { mode: 0o600 });
			const { entry, ...rest } = await files().insert("list", { afterLine: 0, text: "zero" });
			expect(rest).toEqual({ firstLine: 1, insertedLines: 1, totalLines: 3 });
			expect(entry.mode).toBe(0o600);
			expect(await files().insert("list", { afterLine: 2, text: "x\ny\n" })).toMatchObject({ firstLine: 3, insertedLines: 2 });
			expect(await files().insert("list", { afterLine: 1_000_000, text: "end" })).toMatchObject({ firstLine: 6, totalLines: 6 });
			expect(await files().readText("list")).toBe("zero\na\nx\ny\nb\nend\n");
		});

		test("line endings and a missing last newline stay", async () => {
			await files().write("dos", "a\r\nb");
			await files().insert("dos", { afterLine: 1, text: "1\n2" });
			await files().insert("dos", { afterLine: 9, text: "c" });
			expect(await files().readText("dos")).toBe("a\r\n1\r\n2\r\nb\r\nc");
		});

		test("what cannot be inserted", async () => {
			await expect(files().insert("list", { afterLine: -1, text: "x" })).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().insert("list", { afterLine: 0, text: "" })).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().insert("nothing", { afterLine: 0, text: "x" })).rejects.toMatchObject({ code: "not_found" });
		});
	});
});
