/** Files and folders in and out through the agent itself, as a plain process, and what a hostile guest sends instead. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Files } from "../../packages/computer/src/agent/files.js";
import { AgentLink } from "../../packages/computer/src/agent/link.js";
import { Folder } from "../../packages/computer/src/agent/transfer-folder.js";
import { fitsHost, nameParts, staysInside } from "../../packages/computer/src/agent/transfer-name.js";
import { TAR_END, type TarHeader, TarReader, tarHeader, tarPadding } from "../../packages/computer/src/agent/transfer-tar.js";
import { SCRATCH } from "../support/scratch.js";
import { fakeGuest, NO_AGENT, type RealAgent, startAgent } from "./guest.js";

let directory: string;
beforeEach(() => {
	directory = fs.mkdtempSync(join(SCRATCH, "lms-transfer-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

/** Every entry below a folder: its kind, mode and content, in one text. */
function tree(root: string, at: Buffer = Buffer.from(root), prefix = ""): string[] {
	return (fs.readdirSync(at, { encoding: "buffer" }) as Buffer[]).sort(Buffer.compare).flatMap((name) => {
		const path = Buffer.concat([at, Buffer.from("/"), name]);
		const is = fs.lstatSync(path);
		const line = `${prefix}${name.toString("latin1")} ${(is.mode & 0o777).toString(8)}`;
		if (is.isDirectory()) return [`${line}/`, ...tree(root, path, `${prefix}${name.toString("latin1")}/`)];
		if (is.isSymbolicLink()) return [`${prefix}${name.toString("latin1")} -> ${fs.readlinkSync(path)}`];
		return [`${line} ${createHash("sha256").update(fs.readFileSync(path)).digest("hex")}`];
	});
}

function put(path: string, content: string | Buffer = "", mode = 0o644): void {
	fs.mkdirSync(join(path, ".."), { recursive: true });
	fs.writeFileSync(path, content);
	fs.chmodSync(path, mode);
}

describe.skipIf(NO_AGENT !== undefined)(`through the real agent${NO_AGENT === undefined ? "" : ` (skipped: ${NO_AGENT})`}`, () => {
	let agent: RealAgent;
	let link: AgentLink;
	let files: Files;
	const guest = (name: string) => join(agent.directory, "home", name);
	beforeAll(async () => {
		agent = await startAgent();
		link = new AgentLink({ connect: async (begin) => begin(await agent.connect()) });
		files = new Files(link);
	});
	afterAll(async () => {
		link.close();
		await agent.stop();
	});

	test("a folder there and back: every kind, mode and time", async () => {
		const from = join(directory, "from");
		put(join(from, "a"), "one", 0o600);
		put(join(from, "run"), "#!/bin/sh\n", 0o755);
		put(join(from, "d/e/empty"));
		put(join(from, "d/größer\n"), Buffer.alloc(900_001, 7));
		put(join(from, `${"long".repeat(50)}/${"name".repeat(60)}`), "long");
		fs.mkdirSync(join(from, "empty"), { mode: 0o711 });
		fs.symlinkSync("../a", join(from, "d/inside"));
		fs.symlinkSync("x".repeat(150), join(from, "d/dangling"));
		fs.writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0xff, 0xfe])]), "bytes");
		fs.utimesSync(join(from, "a"), 1_000_000_000, 1_000_000_000);
		const progress: number[] = [];
		const sent = await files.upload(from, guest("there"), { onProgress: ({ entries }) => progress.push(entries) });
		expect(sent).toEqual({ entries: 12, bytes: expect.any(Number), skipped: [] });
		expect(progress.at(-1)).toBe(12);
		expect(tree(guest("there"))).toEqual(tree(from));
		expect(fs.statSync(guest("there/a")).mtimeMs).toBe(1_000_000_000_000);
		expect(await files.download(guest("there"), join(directory, "back/again"))).toEqual(sent);
		expect(tree(join(directory, "back/again"))).toEqual(tree(from));
		expect(fs.statSync(join(directory, "back/again/a")).mtimeMs).toBe(1_000_000_000_000);
	});

	test("one file there and back, over another one", async () => {
		put(join(directory, "file"), Buffer.alloc(3_000_000, 1), 0o750);
		await files.upload(join(directory, "file"), guest("deep/file"));
		expect(fs.statSync(guest("deep/file")).mode & 0o777).toBe(0o750);
		put(join(directory, "old"), "old");
		fs.symlinkSync("old", join(directory, "link"));
		expect(await files.download(guest("deep/file"), join(directory, "link"))).toEqual({ entries: 1, bytes: 3_000_000, skipped: [] });
		expect(fs.lstatSync(join(directory, "link")).isFile()).toBe(true);
		expect(fs.readFileSync(join(directory, "old"), "utf8")).toBe("old");
		expect(fs.statSync(join(directory, "link"))).toMatchObject({ size: 3_000_000 });
		expect(fs.readdirSync(directory).sort()).toEqual(["file", "link", "old"]);
	});

	test("over a folder that is there: added to, its symlinks replaced and never followed", async () => {
		put(guest("new/a"), "new");
		put(guest("new/d/b"), "new");
		const to = join(directory, "to");
		put(join(to, "keep"), "keep");
		put(join(to, "d/b"), "old");
		put(join(directory, "outside/a"), "outside");
		fs.symlinkSync("../outside/a", join(to, "a"));
		await files.download(guest("new"), to);
		expect(
			fs.readFileSync(join(to, "a"), "utf8") + fs.readFileSync(join(to, "d/b"), "utf8") + fs.readFileSync(join(to, "keep"), "utf8"),
		).toBe("newnewkeep");
		expect(fs.readFileSync(join(directory, "outside/a"), "utf8")).toBe("outside");
		const before = tree(to);
		fs.rmSync(join(to, "d"), { recursive: true });
		fs.symlinkSync("../outside", join(to, "d"));
		await expect(files.download(guest("new"), to)).rejects.toMatchObject({ code: "already_exists" });
		expect(fs.readdirSync(join(directory, "outside"))).toEqual(["a"]);
		expect(before.length - 1).toBe(tree(to).length);
		fs.symlinkSync("outside", join(directory, "top"));
		await expect(files.download(guest("new"), join(directory, "top"))).rejects.toMatchObject({ code: "already_exists" });
	});

	test("an empty path of this host is none, and what a callback throws stays what it is", async () => {
		put(join(directory, "a"), "a");
		await expect(files.upload("", guest("never"))).rejects.toMatchObject({ code: "invalid_argument" });
		await expect(files.download(guest("."), "")).rejects.toMatchObject({ code: "invalid_argument" });
		const mine = new Error("mine");
		const ignore = () => {
			throw mine;
		};
		await expect(files.upload(directory, guest("never"), { ignore })).rejects.toBe(mine);
		expect(fs.existsSync(guest("never"))).toBe(false);
	});

	test("an upload refuses a symlink as its source, leaves out sockets and FIFOs, and what is ignored", async () => {
		const from = join(directory, "from");
		put(join(from, "node_modules/x"), "x");
		put(join(from, "a"), "a");
		fs.symlinkSync("from", join(directory, "link"));
		await expect(files.upload(join(directory, "link"), guest("never"))).rejects.toMatchObject({
			code: "not_a_file",
			hint: expect.stringContaining("symlink"),
		});
		await expect(files.upload(join(directory, "none"), guest("never"))).rejects.toMatchObject({ code: "not_found" });
		await expect(files.upload("/dev/null", guest("never"))).rejects.toMatchObject({ code: "not_a_file" });
		const asked: [string, boolean][] = [];
		const ignore = (path: string, isDirectory: boolean) => asked.push([path, isDirectory]) > 0 && path === "node_modules";
		await files.upload(from, guest("ignored"), { ignore });
		expect(fs.readdirSync(guest("ignored"))).toEqual(["a"]);
		expect(asked).toEqual([
			["a", false],
			["node_modules", true],
		]);
	});

	test("28. A 10 GB sparse file or tar bomb: stopped at the cap, and nothing has changed", async () => {
		const from = join(directory, "from");
		for (let i = 0; i < 5; i++) put(join(from, `${i}`), "x".repeat(1000));
		await expect(files.upload(from, guest("bounded"), { maxEntries: 4 })).rejects.toMatchObject({ code: "too_large" });
		await expect(files.upload(from, guest("bounded"), { maxBytes: 4999 })).rejects.toMatchObject({ code: "too_large" });
		expect(fs.existsSync(guest("bounded"))).toBe(false);
		await files.upload(from, guest("bounded"), { maxEntries: 5, maxBytes: 5000 });
		await expect(files.download(guest("bounded"), join(directory, "to"), { maxEntries: 4 })).rejects.toMatchObject({ code: "too_large" });
		await expect(files.download(guest("bounded"), join(directory, "to"), { maxBytes: 4999 })).rejects.toMatchObject({ code: "too_large" });
		expect(fs.readdirSync(directory)).toEqual(["from"]);
		fs.truncateSync(guest("bounded/0"), 10 * 1024 ** 3);
		await expect(files.download(guest("bounded"), join(directory, "to"), { maxBytes: 1024 ** 3 })).rejects.toMatchObject({
			code: "too_large",
		});
		await files.download(guest("bounded"), join(directory, "to"));
		const sparse = fs.statSync(join(directory, "to/0"));
		expect(sparse.size).toBe(10 * 1024 ** 3);
		expect(sparse.blocks * 512).toBeLessThan(1024 ** 2);
		const read = Buffer.alloc(2000);
		fs.readSync(fs.openSync(join(directory, "to/0"), "r"), read);
		expect(read.toString("latin1")).toBe("x".repeat(1000) + "\0".repeat(1000));
	});

	test("30. An upload aborted halfway changes nothing and leaves nothing", async () => {
		const from = join(directory, "from");
		for (let i = 0; i < 40; i++) put(join(from, `${i}`), Buffer.alloc(1_000_000));
		put(guest("kept/old"), "old");
		for (const move of [
			(signal: AbortSignal, onProgress: () => void) => files.upload(from, guest("kept"), { signal, onProgress }),
			(signal: AbortSignal, onProgress: () => void) => files.download(from, join(directory, "to"), { signal, onProgress }),
		]) {
			const controller = new AbortController();
			setTimeout(() => controller.abort(), 15);
			await expect(move(controller.signal, () => controller.abort())).rejects.toMatchObject({ code: "canceled" });
		}
		expect(fs.readdirSync(guest("kept"))).toEqual(["old"]);
		expect(fs.readdirSync(directory)).toEqual(["from"]);
		await expect
			.poll(() => fs.readdirSync(join(agent.directory, "home")).filter((name) => name.startsWith(".lms")), { timeout: 5000 })
			.toEqual([]);
	});

	test("10,000 small files there and back, the same", async () => {
		const from = join(directory, "many");
		for (let i = 0; i < 10_000; i++) {
			if (i % 100 === 0) fs.mkdirSync(join(from, `${i / 100}`), { recursive: true });
			fs.writeFileSync(join(from, `${Math.floor(i / 100)}`, `file-${i}`), `content of ${i}\n`.repeat(i % 50));
		}
		let started = performance.now();
		await files.upload(from, guest("many"));
		const inMs = performance.now() - started;
		started = performance.now();
		await files.download(guest("many"), join(directory, "back"));
		console.log(`10,000 files: in ${inMs.toFixed(0)} ms, out ${(performance.now() - started).toFixed(0)} ms`);
		const expected = tree(from);
		expect(tree(guest("many"))).toEqual(expected);
		expect(tree(join(directory, "back"))).toEqual(expected);
	}, 60_000);
});

type Sent = { name: string; type?: TarHeader["type"]; target?: string; content?: string; flag?: string; mode?: number };

function archive(...entries: Sent[]): Buffer {
	const blocks = entries.map(({ name, type = "file", target = "", content = "", flag, mode = 0o644 }) => {
		const header = tarHeader({ type, name: Buffer.from(name), target: Buffer.from(target), mode, mtime: 1, size: content.length });
		if (flag !== undefined) {
			const block = header.subarray(-512);
			block.write(flag, 156);
			block.fill(" ", 148, 156);
			block.write(
				`${block
					.reduce((sum, byte) => sum + byte, 0)
					.toString(8)
					.padStart(6, "0")}\0 `,
				148,
			);
		}
		return Buffer.concat([header, Buffer.from(content), tarPadding(content.length)]);
	});
	return Buffer.concat([...blocks, TAR_END]);
}

describe("a hostile guest", () => {
	/** Downloads what that guest sends as a folder, and tells what is then in the directory beside a victim. */
	async function receive(sent: Buffer, kind = "directory") {
		const { link } = fakeGuest((stream) => {
			stream.respond({ ":status": 200, "lms-type": kind });
			stream.end(sent);
		});
		put(join(directory, "victim"), "safe");
		const result = await new Files(link)
			.download("/x", join(directory, "to"), { maxBytes: 1_000_000, maxEntries: 1000 })
			.catch((error) => error);
		expect(fs.readFileSync(join(directory, "victim"), "utf8")).toBe("safe");
		return result;
	}

	const dir = (name: string): Sent => ({ name, type: "directory" });
	const link = (name: string, target: string): Sent => ({ name, type: "symlink", target });
	const file = (name: string, content = "x"): Sent => ({ name, content });
	test.each<[string, Sent[]]>([
		["a name that leads up", [file("../victim")]],
		["one that leads up in the middle", [file("a/../../victim")]],
		["an absolute name", [file("/tmp/lms-absolute")]],
		["an empty name", [file("")]],
		["NUL in a long name", [file(`${"x".repeat(120)}\0/../../victim`)]],
		["a name of 256 bytes", [file("x".repeat(256))]],
		["201 folders", [file(`${"d/".repeat(201)}f`)]],
		["a path of 5,000 bytes", [file(`${"d".repeat(200)}/`.repeat(25))]],
		["a hard link", [{ name: "h", target: "../victim", flag: "1" }]],
		["a hard link to an earlier file", [file("a"), { name: "h", target: "a", flag: "1" }]],
		["a character device", [{ name: "d", flag: "3" }]],
		["a block device", [{ name: "d", flag: "4" }]],
		["a FIFO", [{ name: "d", flag: "6" }]],
		["a GNU long name", [{ name: "d", content: "../victim", flag: "L" }]],
		["the folder as a file", [file(".")]],
		["a symlink with content", [{ name: "s", content: "x".repeat(600), flag: "2" }]],
		["the same file twice", [file("a"), file("a")]],
		["a file below a file", [file("a"), file("a/b")]],
		["a file over a folder", [dir("a"), file("a")]],
		["too many", Array.from({ length: 1001 }, (_, i) => file(`${i}`, ""))],
		["too much", Array.from({ length: 11 }, (_, i) => file(`${i}`, "x".repeat(100_000)))],
	])("27. %s is refused and leaves nothing", async (_name, entries) => {
		expect(await receive(archive(...entries))).toMatchObject({ name: "ComputerError" });
		expect(fs.readdirSync(directory)).toEqual(["victim"]);
	});

	test.each<[string, Buffer]>([
		["no archive", Buffer.from("no archive at all ".repeat(100))],
		["half a header", archive(file("a")).subarray(0, 300)],
		["half a file", archive(file("a", "x".repeat(5000))).subarray(0, 3000)],
		["no end", archive(file("a")).subarray(0, 1024)],
		["a pax header of 8 GiB", archive({ name: "p", flag: "x" }).fill("77777777777", 124, 135)],
		["nothing", Buffer.alloc(0)],
	])("27. %s is refused and leaves nothing", async (_name, sent) => {
		expect(await receive(sent)).toMatchObject({ name: "ComputerError" });
		expect(fs.readdirSync(directory)).toEqual(["victim"]);
	});

	test("27. A symlink and then a file through it: the symlink is no way", async () => {
		expect(await receive(archive(link("s", ".."), file("s/victim", "evil"), link("S", "../.."), file("S/victim", "evil")))).toMatchObject({
			skipped: ["s", "S"],
		});
		expect(fs.readFileSync(join(directory, "to/s/victim"), "utf8")).toBe("evil");
	});

	test("27. Symlinks that lead out are skipped, others kept", async () => {
		const result = await receive(
			archive(
				dir("d"),
				link("d/up", "../victim"),
				link("d/out", "../../victim"),
				link("abs", "/etc/passwd"),
				link("l", "d"),
				link("tricky", "l/../../victim"),
				link("none", ""),
			),
		);
		expect(result.skipped).toEqual(["d/out", "abs", "tricky", "none"]);
		expect(fs.readlinkSync(join(directory, "to/d/up"))).toBe("../victim");
		expect(fs.readdirSync(join(directory, "to"))).toEqual(["d", "l"]);
	});

	test("what a file system takes for the same is left out, and the first stays", async () => {
		// As one without upper and lower case: there is something, and it is called otherwise.
		vi.spyOn(Folder.prototype, "list").mockReturnValue([]);
		const result = await receive(
			archive(file("a", "first"), file("a", "second"), dir("a"), file("a/b", "third"), link("a", "b"), file("z")),
		);
		vi.restoreAllMocks();
		expect(result.skipped).toEqual(["a", "a", "a/b", "a"]);
		expect(fs.readdirSync(join(directory, "to"))).toEqual(["a", "z"]);
		expect(fs.readFileSync(join(directory, "to/a"), "utf8")).toBe("first");
	});

	test("setuid and setgid are dropped, a folder stays its owner's", async () => {
		await receive(archive({ name: "suid", mode: 0o6755 }, { name: "closed", type: "directory", mode: 0 }));
		expect(fs.statSync(join(directory, "to/suid")).mode & 0o7777).toBe(0o755);
		expect(fs.statSync(join(directory, "to/closed")).mode & 0o7777).toBe(0o700);
	});

	test("a folder, or two files, where one file was said", async () => {
		for (const sent of [archive(dir("d")), archive(file("a"), file("b")), archive(file("d/a"))]) {
			expect(await receive(sent, "file")).toMatchObject({ code: "protocol_error" });
			expect(fs.readdirSync(directory)).toEqual(["victim"]);
		}
	});
});

describe("names", () => {
	test("any bytes: parts that lead down, or a refusal", () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.uint8Array(),
					fc.stringMatching(/^[a./]*$/).map((text) => Buffer.from(text)),
				),
				(bytes) => {
					let parts: Buffer[];
					try {
						parts = nameParts(Buffer.from(bytes));
					} catch (error) {
						expect(error).toMatchObject({ code: "protocol_error" });
						return;
					}
					for (const part of parts) {
						expect([".", "..", ""]).not.toContain(part.toString("latin1"));
						expect(part.includes(0x2f) || part.includes(0)).toBe(false);
					}
				},
			),
		);
	});

	test("what Windows makes something else of does not fit there", () => {
		for (const name of ["a\\b", "c:x", "con", "NUL.txt", "dot.", "space ", "a<b", "com1.log"]) {
			for (const parts of [nameParts(Buffer.from(name)), nameParts(Buffer.from(`a/${name}/b`))]) {
				expect([fitsHost(parts, true), fitsHost(parts, false)], name).toEqual([false, true]);
			}
		}
		expect(staysInside(Buffer.from("..\\..\\x"), 5, true)).toBe(false);
	});
});

describe("the tar reader", () => {
	const collect = (chunks: readonly Uint8Array[]) => {
		const got: (TarHeader & { content: string })[] = [];
		const reader = new TarReader({
			begin: (header) => void got.push({ ...header, content: "" }),
			data: (bytes) => {
				const last = got.at(-1) as { content: string };
				last.content += bytes.toString("latin1");
			},
			end: () => {},
		});
		for (const chunk of chunks) reader.push(Buffer.from(chunk));
		reader.finish();
		return got;
	};

	test("reads what the writer wrote, however it is cut", () => {
		const one = fc.record({
			name: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes.map((byte) => byte || 1))),
			content: fc.string({ unit: "binary-ascii", maxLength: 1200 }),
		});
		fc.assert(
			fc.property(fc.array(one, { maxLength: 5 }), fc.integer({ min: 1, max: 2000 }), (entries, cut) => {
				const wire = Buffer.concat([
					...entries.flatMap(({ name, content }) => {
						const bytes = Buffer.from(content, "latin1");
						return [
							tarHeader({ type: "file", name, target: Buffer.alloc(0), mode: 0o644, mtime: 7, size: bytes.length }),
							bytes,
							tarPadding(bytes.length),
						];
					}),
					TAR_END,
				]);
				const chunks = Array.from({ length: Math.ceil(wire.length / cut) }, (_, i) => wire.subarray(i * cut, (i + 1) * cut));
				expect(collect(chunks).map(({ name, content }) => [name.toString("hex"), content])).toEqual(
					entries.map(({ name, content }) => [name.toString("hex"), content]),
				);
			}),
		);
	});

	test("any bytes: entries or a typed error", () => {
		const good = archive({ name: "a/b", content: "hello" }, { name: "x".repeat(150) });
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 20 }), fc.boolean(), (changes, whole) => {
				const bytes = Buffer.from(good);
				for (const [at, value] of changes) bytes[at] = value;
				try {
					collect([whole ? bytes : bytes.subarray(0, changes.length * 100)]);
				} catch (error) {
					expect(error).toMatchObject({ name: "ComputerError" });
				}
			}),
		);
	});
});
