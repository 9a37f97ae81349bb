import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { suite } from "../support/suite.js";

suite("files", (subject) => {
	describe("write and read", () => {
		test("any bytes, from a string, bytes and a stream", async () => {
			const { files } = subject.computer;
			const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
			await files.write("bytes", every);
			expect(await files.read("bytes")).toEqual(every);
			await files.write("text", "Zeile € 1\r\n  ");
			expect(await files.readText("~/text")).toBe("Zeile € 1\r\n  ");
			await files.write("/tmp/stream", Readable.from(["a", Buffer.from([0xff]), "b"]));
			expect(await files.read("/tmp/stream")).toEqual(Buffer.from([0x61, 0xff, 0x62]));
			await files.write("empty", "");
			expect(await files.read("empty")).toEqual(Buffer.alloc(0));
		});

		test("ranges", async () => {
			const { files } = subject.computer;
			await files.write("range", "0123456789");
			const range = (offset?: number, length?: number) => files.readText("range", { offset, length });
			expect(await range(3, 4)).toBe("3456");
			expect(await range(7)).toBe("789");
			expect(await range(undefined, 2)).toBe("01");
			expect(await range(8, 100)).toBe("89");
			expect(await range(10)).toBe("");
			expect(await range(1000, 5)).toBe("");
		});

		test("16 MB come back as they went, and the command line sees the same", async () => {
			const bytes = randomBytes(16 * 1024 * 1024);
			await subject.computer.files.write("large", bytes);
			expect(Buffer.compare(await subject.computer.files.read("large"), bytes)).toBe(0);
			expect(await subject.sh("wc -c </home/user/large")).toMatch(/^\s*16777216$/);
			let size = 0;
			for await (const chunk of await subject.computer.files.readStream("large")) size += (chunk as Buffer).length;
			expect(size).toBe(bytes.length);
		});

		test("append makes the file, and adds", async () => {
			const { files } = subject.computer;
			await files.write("log/added", "one\n", { append: true });
			await files.write("log/added", "two\n", { append: true });
			expect(await files.readText("log/added")).toBe("one\ntwo\n");
		});

		test("parents are made; the entry is answered", async () => {
			const entry = await subject.computer.files.write("a/b/c/file", "x", { mode: 0o750 });
			expect(entry).toMatchObject({ name: "file", path: "/home/user/a/b/c/file", type: "file", size: 1, mode: 0o750, uid: 0, gid: 0 });
		});

		test("a replaced file keeps its mode, and who reads the old one reads on", async () => {
			const { files } = subject.computer;
			await files.write("tool", "old", { mode: 0o755 });
			const reader = await subject.computer.spawn("exec 9<tool; echo open; read line; cat <&9; stat -c %a tool", {
				session: "reader",
				stdin: true,
			});
			const output = reader[Symbol.asyncIterator]();
			await output.next();
			expect((await files.write("tool", "new")).mode).toBe(0o755);
			await reader.write("go\n");
			expect((await reader.result).stdout).toBe("open\nold755\n");
			expect(await files.readText("tool")).toBe("new");
		});

		test("a source that fails halfway changes nothing and leaves nothing", async () => {
			const { files } = subject.computer;
			await files.write("halfway/file", "old");
			const failing = (async function* () {
				yield Buffer.alloc(1_000_000);
				throw new Error("the source broke");
			})();
			await expect(files.write("halfway/file", failing)).rejects.toThrow("the source broke");
			expect(await files.readText("halfway/file")).toBe("old");
			await expect.poll(async () => (await files.list("halfway")).entries.map(({ name }) => name), { timeout: 10_000 }).toEqual(["file"]);
		});

		test("a symlink is written through and stays one", async () => {
			const { files } = subject.computer;
			await files.write("links/real", "old");
			await subject.sh("ln -s real /home/user/links/name");
			await files.write("links/name", "new");
			expect(await files.readText("links/real")).toBe("new");
			expect(await files.stat("links/name", { followSymlink: false })).toMatchObject({ type: "symlink", target: "real" });
			expect(await files.stat("links/name")).toMatchObject({ type: "file", size: 3 });
		});

		test("what a command wrote is there; files of the kernel too", async () => {
			await subject.sh("echo from the shell >/tmp/both");
			expect(await subject.computer.files.readText("/tmp/both")).toBe("from the shell\n");
			expect(await subject.computer.files.readText("/proc/sys/kernel/ostype")).toBe("Linux\n");
		});
	});

	describe("trees", () => {
		test("list is sorted and tells of every kind", async () => {
			await subject.sh(
				"mkdir -p /tmp/kinds/d && cd /tmp/kinds && printf 123 >f && chmod 640 f && ln -s /nowhere s && mkfifo p && touch .hidden",
			);
			const { entries, truncated } = await subject.computer.files.list("/tmp/kinds");
			expect(truncated).toBe(false);
			expect(entries.map(({ name, type }) => [name, type])).toEqual([
				[".hidden", "file"],
				["d", "directory"],
				["f", "file"],
				["p", "fifo"],
				["s", "symlink"],
			]);
			expect(entries[2]).toMatchObject({ path: "/tmp/kinds/f", size: 3, mode: 0o640 });
			expect(entries[4]).toMatchObject({ target: "/nowhere" });
			expect(Math.abs((entries[2]?.mtimeMs ?? 0) - Date.now())).toBeLessThan(120_000);
		});

		test("mkdir with parents, again is fine", async () => {
			const { files } = subject.computer;
			expect(await files.mkdir("made/by/us", { mode: 0o700 })).toMatchObject({ type: "directory", mode: 0o700 });
			await files.mkdir("made/by/us");
			expect(await files.exists("made/by/us")).toBe(true);
			expect(await files.exists("made/by/others")).toBe(false);
		});

		test("remove: a file, a symlink and not its target, a full directory only when asked", async () => {
			const { files } = subject.computer;
			await subject.sh("mkdir -p /tmp/rm/full/deep && cd /tmp/rm && touch file full/deep/x && ln -s full link");
			await files.remove("/tmp/rm/file");
			await files.remove("/tmp/rm/link", { recursive: true });
			expect(await files.exists("/tmp/rm/full/deep/x")).toBe(true);
			await expect(files.remove("/tmp/rm/full")).rejects.toMatchObject({ name: "ComputerError" });
			expect(await files.exists("/tmp/rm/full/deep/x")).toBe(true);
			await files.remove("/tmp/rm/full", { recursive: true });
			expect((await files.list("/tmp/rm")).entries).toEqual([]);
			await expect(files.remove("/tmp/rm/file")).rejects.toMatchObject({ code: "not_found" });
		});

		test("move makes parents and replaces a file, across file systems too", async () => {
			const { files } = subject.computer;
			await files.write("from", "moved", { mode: 0o700 });
			await files.write("to/old", "old");
			expect(await files.move("from", "to/old")).toMatchObject({ path: "/home/user/to/old", mode: 0o700 });
			expect(await files.exists("from")).toBe(false);
			await files.move("to/old", "/dev/shm/new/place");
			expect(await files.readText("/dev/shm/new/place")).toBe("moved");
			await expect(files.move("from", "anywhere")).rejects.toMatchObject({ code: "not_found" });
		});

		test("copy of a tree: symlinks as symlinks, modes and times kept", async () => {
			await subject.sh(
				"mkdir -p /tmp/tree/sub/empty && cd /tmp/tree && echo one >sub/one && chmod 751 sub/one && ln -s one sub/link && touch -t 200102030405 sub/one",
			);
			const { files } = subject.computer;
			expect(await files.copy("/tmp/tree", "copies/tree")).toMatchObject({ type: "directory" });
			const { entries } = await files.list("copies/tree/sub");
			expect(entries.map(({ name, type }) => [name, type])).toEqual([
				["empty", "directory"],
				["link", "symlink"],
				["one", "file"],
			]);
			expect(entries[2]).toMatchObject({ mode: 0o751, mtimeMs: (await files.stat("/tmp/tree/sub/one")).mtimeMs });
			expect(await files.readText("copies/tree/sub/link")).toBe("one\n");
		});
	});
});
