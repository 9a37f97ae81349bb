import type { Computer } from "lms-computer";
import { beforeAll, describe, expect, test } from "vitest";
import type { SearchOptions } from "../../packages/computer/src/agent/search.js";
import { suite } from "../support/suite.js";

const PLANT = `mkdir -p /tmp/s/src/deep /tmp/s/node_modules/x /tmp/s/.git /tmp/s/.config && cd /tmp/s
printf 'import a\\nconst Token = 1; // token\\nend\\n' >src/a.ts
printf 'one\\ntwo\\ntoken\\nfour\\ntoken two\\nsix\\n' >src/deep/b.js
printf 'token.* (x\\r\\n' >src/deep/c.txt
printf 'token\\n' | tee node_modules/x/m.js .git/config .config/hidden ignored.log >/dev/null
printf 'token\\0\\n' >binary
printf '*.log\\n' >.gitignore
ln -s a.ts src/link.ts`;

suite("search", (subject) => {
	const files = (): Computer["files"] => subject.computer.files;
	const found = async (pattern: string, options: SearchOptions = {}) => {
		const { matches } = await files().search(pattern, { path: "/tmp/s", ...options });
		return matches.map(({ path, line }) => `${path.slice("/tmp/s/".length)}:${line}`);
	};

	beforeAll(async () => {
		if (subject.target.skip === undefined) await subject.sh(PLANT);
	});

	describe("files.search", () => {
		test("an expression, in the order of paths", async () => {
			expect(await found("^token")).toEqual([
				".config/hidden:1",
				"ignored.log:1",
				"src/deep/b.js:3",
				"src/deep/b.js:5",
				"src/deep/c.txt:1",
			]);
			const { matches, ...rest } = await files().search("(?i)TOKEN|none", { path: "/tmp/s/src" });
			expect(matches[0]).toEqual({
				path: "/tmp/s/src/a.ts",
				line: 2,
				column: 7,
				length: 5,
				text: "const Token = 1; // token",
				cutBefore: 0,
				cutAfter: 0,
				before: [],
				after: [],
			});
			expect(rest).toEqual({ files: 3, truncated: false, searched: 3, binary: 0, unreadable: 0 });
		});

		test("a literal text, whatever its case", async () => {
			expect(await found("token.* (x", { literal: true })).toEqual(["src/deep/c.txt:1"]);
			expect(await found("CONST TOKEN", { ignoreCase: true })).toEqual(["src/a.ts:2"]);
			expect(await found("CONST TOKEN")).toEqual([]);
			expect((await files().search("x$", { path: "/tmp/s/src/deep/c.txt" })).matches[0]?.text).toBe("token.* (x");
		});

		test("globs, hidden names, .gitignore, and what is not entered", async () => {
			expect(await found("token", { glob: "*.js" })).toEqual(["src/deep/b.js:3", "src/deep/b.js:5"]);
			expect(await found("token", { glob: ["src/**", "!*.{js,txt}"] })).toEqual(["src/a.ts:2"]);
			expect(await found("token", { hidden: false, gitignore: true, glob: "!src" })).toEqual([]);
			expect(await found("token", { gitignore: true, glob: "!src" })).toEqual([".config/hidden:1"]);
			expect(await found("^token$", { all: true, glob: "!src" })).toEqual([
				".config/hidden:1",
				".git/config:1",
				"ignored.log:1",
				"node_modules/x/m.js:1",
			]);
		});

		test("binary files are passed over, and counted", async () => {
			expect(await files().search("token", { path: "/tmp/s", glob: "binary" })).toMatchObject({ matches: [], files: 0, binary: 1 });
		});

		test("context belongs to its match, each line once", async () => {
			const { matches } = await files().search("token", { path: "/tmp/s/src/deep/b.js", context: 1 });
			const numbers = matches.map(({ line, before, after }) => [before.map((one) => one.line), line, after.map((one) => one.line)]);
			expect(numbers).toEqual([
				[[2], 3, [4]],
				[[], 5, [6]],
			]);
			expect(matches[0]?.before).toEqual([{ line: 2, text: "two", cutBefore: 0, cutAfter: 0 }]);
		});

		test("a long line is cut around its match; a name need not be UTF-8", async () => {
			await files().write("long/line", `${"a".repeat(10_000)}needle${"b".repeat(10_000)}`);
			const [match] = (await files().search("needle", { path: "long" })).matches;
			expect(match).toMatchObject({ path: "/home/user/long/line", column: 10_001, length: 6 });
			expect(match?.text).toMatch(/^a+needleb+$/);
			expect((match?.cutBefore ?? 0) + (match?.text.length ?? 0) + (match?.cutAfter ?? 0)).toBe(20_006);
			const name = Buffer.from([...Buffer.from("/tmp/odd/"), 0xff]);
			await files().write(name, "needle");
			const [odd] = (await files().search("needle", { path: "/tmp/odd" })).matches;
			expect(odd).toMatchObject({ path: "/tmp/odd/\ufffd", pathBytes: name });
		});

		test("stops at its cap and says so", async () => {
			await subject.sh("mkdir -p /tmp/many && cd /tmp/many && seq 3000 >a && seq 3000 >b");
			const capped = await files().search("[0-9]", { path: "/tmp/many", maxResults: 10, context: 2 });
			expect(capped).toMatchObject({ truncated: true, files: 1 });
			expect(capped.matches.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
			expect(await files().search("[0-9]", { path: "/tmp/many" })).toMatchObject({ truncated: true, matches: { length: 1000 } });
			const all = await files().search("[0-9]", { path: "/tmp/many", maxResults: 6000 });
			expect(all).toMatchObject({ truncated: false, files: 2, matches: { length: 6000 } });
		});

		test("what cannot be searched for, or in", async () => {
			await expect(files().search("a(b", { path: "/tmp/s" })).rejects.toMatchObject({
				code: "invalid_argument",
				context: { position: 1 },
				hint: expect.stringContaining("literal"),
			});
			await expect(files().search("")).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().search("x", { glob: "[" })).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().search("x", { maxResults: 0 })).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().search("x", { context: 21 })).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().search("x", { path: "nowhere" })).rejects.toMatchObject({ code: "not_found" });
			await expect(files().search("x", { path: "/dev/null" })).rejects.toMatchObject({ code: "not_a_file" });
		});

		test("an abort ends it, and the next one runs", async () => {
			await subject.sh("yes aaaaaaaaaaaaaaa | head -c 20000000 >/tmp/slow");
			const controller = new AbortController();
			const searching = files().search("a[ab]{0,20}[^a]c", { path: "/tmp/slow", signal: controller.signal });
			setImmediate(() => controller.abort());
			await expect(searching).rejects.toMatchObject({ code: "canceled" });
			expect(await found("import a")).toEqual(["src/a.ts:1"]);
		});
	});

	describe("files.tree", () => {
		const tree = async (options: object = {}) =>
			(await files().tree("/tmp/s", options)).entries.map(({ path }) => path.slice("/tmp/s/".length));

		test("all that is below, kind by kind", async () => {
			const { entries, truncated } = await files().tree("/tmp/s/src");
			expect(truncated).toBe(false);
			expect(entries.map(({ path, type, target }) => [path, type, target])).toEqual([
				["/tmp/s/src/a.ts", "file", undefined],
				["/tmp/s/src/deep", "directory", undefined],
				["/tmp/s/src/deep/b.js", "file", undefined],
				["/tmp/s/src/deep/c.txt", "file", undefined],
				["/tmp/s/src/link.ts", "symlink", "a.ts"],
			]);
		});

		test("to a depth, up to a number, with what is hidden", async () => {
			expect(await tree({ depth: 1 })).toEqual(["binary", "ignored.log", "node_modules", "src"]);
			expect(await tree({ depth: 1, hidden: true, gitignore: true })).toEqual([
				".config",
				".git",
				".gitignore",
				"binary",
				"node_modules",
				"src",
			]);
			expect(await tree({ hidden: true, all: true })).toContain(".git/config");
			expect(await tree({ hidden: true })).not.toContain(".git/config");
			const capped = await files().tree("/tmp/s", { max: 3 });
			expect(capped).toMatchObject({ truncated: true, entries: { length: 3 } });
			expect(await files().tree("/tmp/s/src", { max: 5 })).toMatchObject({ truncated: false, entries: { length: 5 } });
		});

		test("what is no directory, and what is no bound", async () => {
			await expect(files().tree("/tmp/s/binary")).rejects.toMatchObject({ code: "not_a_directory" });
			await expect(files().tree("/nowhere")).rejects.toMatchObject({ code: "not_found" });
			await expect(files().tree("/tmp", { depth: 0 })).rejects.toMatchObject({ code: "invalid_argument" });
			await expect(files().tree("/tmp", { max: 10_001 })).rejects.toMatchObject({ code: "invalid_argument" });
		});
	});
});
