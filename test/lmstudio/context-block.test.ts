import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contextBlock } from "../../packages/lmstudio/src/context-block.js";
import type { Observation } from "../../packages/lmstudio/src/observe.js";

const settings: Observation["settings"] = {
	computer: { name: "lmstudio", image: "ubuntu:24.04", cpus: 2, memoryBytes: 2 ** 30, diskBytes: 2 ** 32, persistence: "persistent" },
	tools: { maxOutputBytes: 1024 },
	heldPorts: "",
	chatFolder: undefined,
	internet: "off",
	attachments: true,
	injectContext: true,
};

const info: NonNullable<Observation["info"]> = {
	os: "Debian GNU/Linux 12 (bookworm)",
	osId: "debian",
	osVersion: "12",
	kernel: "6.1",
	arch: "amd64",
	hostname: "lms-computer",
	user: "root",
	uid: 0,
	home: "/home/user",
	cwd: "/home/user",
	shell: "/bin/bash",
	uptimeMs: 1000,
	cpus: 2,
	memory: { totalBytes: 2 ** 30, availableBytes: 2 ** 29 },
	disk: { totalBytes: 2 ** 32, freeBytes: 2 ** 31 },
};

const file = (name: string, type: "file" | "directory" = "file") =>
	({ name, type, path: `/home/user/${name}`, size: 1, mode: 0o644, mtimeMs: 0, uid: 0, gid: 0 }) as const;

const job = (command: string) => ({
	id: "7",
	session: "main",
	command,
	running: true,
	exitCode: null,
	reason: null,
	timedOut: false,
	startedAt: 0,
	durationMs: 12_000,
	readsInput: false,
	pid: 1,
	stdoutBytes: 0,
	stderrBytes: 0,
});

test("of a computer that runs", () => {
	const files = [file("a.txt"), file("src", "directory")];
	const seen: Observation = {
		settings,
		state: "running",
		info,
		cwd: "/tmp",
		tools: ["git", "python3"],
		files,
		moreFiles: 3,
		jobs: [job("npm start")],
	};
	expect(contextBlock(seen, [])).toBe(`<computer>
You have a Linux computer, and it is running. Your tools work in it.
System: Debian GNU/Linux 12 (bookworm), amd64, /bin/bash
Free: disk 2.0 GB of 4.0 GB, memory 512 MB of 1.0 GB
Internet: off. Files: kept
Tools: git, python3
Working directory: /tmp
Running: job 7, npm start, for 12 s
In /home/user: a.txt, src/ and 3 more
</computer>`);
});

test("of a computer that is not there yet", () => {
	expect(contextBlock({ settings, state: "none" }, [])).toBe(`<computer>
You have a Linux computer. It is made by the first call of a tool.
System: ubuntu:24.04. 2 CPUs, 1.0 GB memory, 4.0 GB disk
Internet: off. Files: kept
Working directory: /home/user
</computer>`);
});

test("nothing to say is nothing", () => {
	expect(contextBlock(undefined, [])).toBe("");
});

test("files of the message come first, and why one is not there", () => {
	const attached = [
		{ name: "cat.png", path: "/home/user/attachments/cat.png", sizeBytes: 2048 },
		{ name: "b", error: "no\nspace" },
	];
	expect(contextBlock(undefined, attached)).toBe(`<computer>
Attached file: /home/user/attachments/cat.png (2.0 KB)
The attached file b could not be copied to the computer: no space
</computer>`);
});

describe("whatever the guest calls its files and jobs", () => {
	const text = fc.string({ unit: "binary", maxLength: 3000 });
	const hostile = fc.record({
		names: fc.array(text, { maxLength: 20 }),
		commands: fc.array(text, { maxLength: 10 }),
		tools: fc.array(text, { maxLength: 200 }),
	});

	test("the block has 2,000 characters at most, one beginning and one end", () => {
		fc.assert(
			fc.property(hostile, fc.array(text), ({ names, commands, tools }, attached) => {
				const seen: Observation = {
					settings,
					state: "running",
					info,
					files: names.map((name) => file(name)),
					tools,
					jobs: commands.map(job),
				};
				const block = contextBlock(
					seen,
					attached.map((name) => ({ name, path: `/home/user/attachments/${name}`, sizeBytes: 1 })),
				);
				expect(block.length).toBeLessThanOrEqual(2000);
				expect(block.split("<")).toHaveLength(3);
				expect(block.endsWith("\n</computer>")).toBe(true);
				expect(Buffer.from(block).toString(), "whole characters").toBe(block);
			}),
		);
	});
});
