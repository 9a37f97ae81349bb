import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findComputer } from "lms-computer";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS, type Target } from "../support/drivers.js";
import { freePort } from "../support/free-port.js";
import type { Session } from "./imitation.js";
import { chat, installPlugin, node22, type Plugin, startPlugin } from "./plugin.js";

const docker = DRIVERS.find(({ driver }) => driver === "docker");
const podman = DRIVERS.find(({ driver }) => driver === "podman");
const namespace = DRIVERS.find(({ driver }) => driver === "namespace");

let scratch: string;
let folder: string;
let node: string;
const started: Plugin[] = [];

beforeAll(async () => {
	scratch = await mkdtemp(join(tmpdir(), "lms-computer-plugin-"));
	folder = join(scratch, "plugin");
	[node] = await Promise.all([node22(), installPlugin(folder)]);
}, 300_000);

afterEach(async () => {
	for (const { host, ended } of started.splice(0)) {
		host.close();
		await ended;
		expect(host.violations).toEqual([]);
	}
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

async function start(env: NodeJS.ProcessEnv = {}): Promise<Plugin> {
	const plugin = await startPlugin(folder, node, env);
	started.push(plugin);
	return plugin;
}

async function listener() {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	return { server, number: (server.address() as AddressInfo).port };
}

function close(server: Server): Promise<void> {
	return new Promise((resolve) => server.close(() => resolve()));
}

/** Whether somebody listens there. */
function reaches(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1", () => resolve(true));
		// One that was accepted and ended before it is told of has been reached, too.
		socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
		socket.once("close", () => resolve(false));
		socket.once("connect", () => socket.destroy());
	});
}

/** However slow this machine is. */
function eventually<T>(look: () => Promise<T>) {
	return expect.poll(look, { timeout: 20_000, interval: 50 });
}

/** What a command of the model writes, without the lines around it. */
async function run(session: Session, command: string): Promise<string> {
	const text = await session.text("Execute", { command });
	return /\[\[(.*)\]\]/s.exec(text)?.[1] ?? text;
}

describe("without a computer", () => {
	test("registers with nothing but LM Studio's three variables, and says nothing", async () => {
		const { host, complaints } = await start();
		const fields = new Map(host.schematics.map((field) => [field["fullKey"], field]));
		expect(fields.get("internet")).toMatchObject({ typeKey: "select", defaultValue: "off" });
		expect(fields.get("memoryMB")).toMatchObject({ typeKey: "numeric", defaultValue: 1024 });
		expect(fields.get("allowedHosts")).toMatchObject({ typeParams: { dependencies: [{ key: "internet" }] } });
		for (const { fullKey, typeParams } of host.schematics) {
			expect(typeParams, String(fullKey)).toMatchObject({ displayName: expect.any(String), subtitle: expect.any(String) });
		}
		expect(complaints()).toBe("");
	});

	test("fewer tools for a small model, all of them for a large one", async () => {
		const { host } = await start();
		host.model = { contextLength: 4096 };
		const small = await host.openSession({ workingDirectory: join(scratch, "small") });
		host.model = { contextLength: 200_000 };
		const large = await host.openSession({ workingDirectory: join(scratch, "large") });
		const chosen = await host.openSession({ workingDirectory: join(scratch, "large"), config: { profile: "compact" } });
		// A message says which model it is for: the next session has what fits that one.
		const workingDirectory = join(scratch, "small");
		await host.preprocess({ text: "Hello there", workingDirectory, config: { driver: "namespace", name: "t-not-there" } });
		const changed = await host.openSession({ workingDirectory });
		expect(changed.tools).toEqual(large.tools);
		expect(small.tools.length).toBeLessThanOrEqual(8);
		expect(large.tools.length).toBeGreaterThanOrEqual(small.tools.length);
		expect(chosen.tools).toEqual(small.tools);
		for (const { parameters } of large.tools) expect(parameters).toMatchObject({ type: "object" });
	});

	test("a host that does not say which model it has gets its tools and its message", async () => {
		const { host } = await start();
		host.unanswered.add("processingGetOrLoadTokenSource").add("listLoaded");
		const chosen = { text: "Hello there", config: { name: "t-not-there", driver: "namespace" } };
		await expect(host.preprocess({ ...chosen, aborted: true })).rejects.toThrow('"aborted"');
		expect((await host.preprocess(chosen)).text).toContain("You have a Linux computer.");
		expect((await host.openSession(chosen)).tools.map(({ name }) => name)).toContain("RebuildComputer");
	});

	test("a message tells the model what its computer will be, and makes none", async () => {
		const { host } = await start();
		const config = { name: "t-not-there", driver: "namespace" };
		const { text } = await host.preprocess({ text: "Hello there", config });
		expect(text).toMatch(
			/^<computer>\nYou have a Linux computer. It is made by the first call of a tool.\n(.*\n)+<\/computer>\n\nHello there$/,
		);
		expect((await host.preprocess({ text: "Hi", config })).text).toBe("Hi");
		expect((await host.preprocess({ text: "Hello there", config: { ...config, injectContext: false } })).text).toBe("Hello there");
	});
});

for (const target of DRIVERS.filter(({ driver }) => driver !== "podman")) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		test("a plugin that is killed between two calls finds the same shell, server and files", async () => {
			await target.open("killed");
			const before = await start();
			const first = await before.host.openSession(chat(target, "killed"));
			await run(first, "mkdir -p ~/work && cd ~/work && echo kept > file && export FRUIT=pear && plain=1");
			await run(first, "(while :; do echo beat; sleep 0.1; done >~/beats) & server=$!");
			before.process.kill("SIGKILL");
			expect((await before.ended).signal).toBe("SIGKILL");
			const { host } = await start();
			const session = await host.openSession(chat(target, "killed"));
			expect(await run(session, 'kill -0 $server && echo "[[$PWD $FRUIT $plain $(cat file)]]"')).toBe("/home/user/work pear 1 kept");
			const beats = () => run(session, 'echo "[[$(wc -l <~/beats)]]"');
			const some = Number(await beats());
			await eventually(async () => Number(await beats())).toBeGreaterThan(some);
		});

		test("an aborted call ends its command, and the shell lives on", async () => {
			const computer = await target.open("aborted");
			const { host } = await start();
			const session = await host.openSession(chat(target, "aborted"));
			await run(session, "cd /tmp; export FRUIT=fig");
			const call = session.start("Execute", { command: "touch began; sleep 987" });
			await eventually(() => computer.files.exists("/tmp/began")).toBe(true);
			call.abort();
			await eventually(async () => (await computer.processes.list()).some(({ command }) => command.includes("sleep 987"))).toBe(false);
			expect(await run(session, 'echo "[[$PWD $FRUIT]]"')).toBe("/tmp fig");
		});

		test("when LM Studio goes, the process goes, and the command that ran", async () => {
			const computer = await target.open("gone");
			const plugin = await start();
			const session = await plugin.host.openSession(chat(target, "gone"));
			session.start("Execute", { command: "touch /tmp/began; sleep 986" });
			await eventually(() => computer.files.exists("/tmp/began")).toBe(true);
			plugin.host.close();
			expect(await plugin.ended).toEqual({ code: 0, signal: null });
			await eventually(async () => (await computer.processes.list()).some(({ command }) => command.includes("sleep 986"))).toBe(false);
		});

		test("a call tells its user how far it is", async () => {
			await target.open("told");
			const { host } = await start();
			const session = await host.openSession(chat(target, "told"));
			const call = session.start("Execute", { command: "echo one; echo two; echo three >&2; sleep 984" });
			expect(await call.status(/lines/)).toMatch(/^echo one; echo two; echo three >&2; sleep 984 · \d+ s · 3 lines$/);
			call.abort();
			const loud = session.start("Execute", { command: "yes | head -c 3000000; sleep 983" });
			expect(await loud.status(/MB/)).toMatch(/^yes \| head -c 3000000; sleep 983 · \d+ s · 2\.9 MB$/);
			loud.abort();
			expect((await call.outcome).statuses[0]).toBe(`connecting to ${target.computerName("told")}`);
		});

		test("calls are counted, and a message of the user brings new ones", async () => {
			await target.open("counted");
			const { host } = await start();
			const chosen = chat(target, "counted", { callsPerTurn: 2 });
			const session = await host.openSession(chosen);
			await run(session, "true");
			expect(await run(session, "true")).toContain("2 used, 0 left");
			expect(await run(session, "true")).toContain("all 2 calls of this turn are used");
			await host.preprocess({ text: "go on", ...chosen });
			expect(await run(session, "true")).toContain("1 used, 1 left");
			// An answer that is written anew, too.
			session.discard();
			expect(await run(await host.openSession(chosen), "true")).toContain("1 used, 1 left");
		});

		test("two chats share a computer, not a shell", async () => {
			await target.open("shared");
			const { host } = await start();
			const chosen = chat(target, "shared");
			const [one, other] = [join(scratch, "one"), join(scratch, "other")];
			const first = await host.openSession({ ...chosen, workingDirectory: one });
			const second = await host.openSession({ ...chosen, workingDirectory: other });
			await run(first, "cd /tmp; export FRUIT=lime; touch ~/seen");
			const busy = first.start("Execute", { command: "sleep 980" });
			await busy.status(/ s/);
			expect(await run(second, 'echo "[[$PWD $FRUIT $(ls)]]"')).toBe("/home/user  seen");
			expect((await host.preprocess({ ...chosen, text: "Where are you?", workingDirectory: one })).text).toContain("directory: /tmp\n");
			expect((await host.preprocess({ ...chosen, text: "Where are you?", workingDirectory: other })).text).toContain(
				"directory: /home/user\n",
			);
			busy.abort();
		});

		test("attached files are in the computer, and the message says where", async () => {
			const computer = await target.open("attached");
			const { host } = await start();
			const path = join(scratch, `attached-${target.driver}`);
			await writeFile(path, "cat");
			const files = [
				{ name: "the cat.png", path, sizeBytes: 3, fileType: "image" },
				{ name: "../../etc/gone", path: `${path}-gone`, sizeBytes: 3 },
			];
			const message = { ...chat(target, "attached"), text: "See", files };
			const { text, parts, statuses } = await host.preprocess(message);
			expect(text).toContain("Attached file: /home/user/attachments/the cat.png (3 B)\n");
			expect(text).toContain("The attached file gone could not be copied to the computer: ");
			expect(text).toMatch(/<\/computer>\n\nSee$/);
			expect(await computer.files.readText("attachments/the cat.png")).toBe("cat");
			expect(statuses.at(-1)).toBe("1 attached file could not be copied to the computer");
			// They stay in the message: a model that sees gets the picture, too.
			expect(parts.filter(({ type }) => type === "file")).toHaveLength(2);
			// Sent again it is there already; another one of that name does not take its place.
			await host.preprocess(message);
			await writeFile(path, "dog");
			expect((await host.preprocess(message)).text).toContain("/home/user/attachments/the cat-2.png");
			expect(await computer.files.readText("attachments/the cat.png")).toBe("cat");
			expect((await computer.files.list("attachments")).entries.map(({ name }) => name)).toEqual(["the cat-2.png", "the cat.png"]);
		});

		test("changed settings count from the next call on, and the shell is where it was", async () => {
			const computer = await target.open("changed", { memoryBytes: 1024 ** 3 });
			const { host } = await start();
			const first = await host.openSession(chat(target, "changed"));
			await run(first, "mkdir -p ~/work; cd ~/work; echo kept >file; export FRUIT=date");
			first.discard();
			// Beside what runs, where the driver can.
			const second = await host.openSession(chat(target, "changed", { memoryMB: 512 }));
			const { warnings } = await second.call("Execute", { command: "true" });
			expect(warnings).toContainEqual(expect.stringMatching(target.capabilities.limitMemory ? /^memory: 512 MB from now on/ : /^memory: /));
			if (target.capabilities.limitMemory) expect((await computer.metrics()).memory.limitBytes).toBe(512 * 1024 ** 2);
			expect(await run(second, 'echo "[[$PWD $FRUIT $(cat file)]]"')).toBe("/home/user/work date kept");
			// Not while something runs: it would end.
			const shared = await mkdtemp(join(scratch, "shared-"));
			await writeFile(join(shared, "letter"), "dear");
			const more = chat(target, "changed", { memoryMB: 512, sharedFolder: shared });
			await run(second, "sleep 981 & server=$!");
			const third = await host.openSession(more);
			const told = await third.call("Execute", { command: 'kill -0 $server && echo "[[$(ls /mnt/shared)]]"' });
			expect(told.warnings).toContainEqual(expect.stringMatching(/^folders: .*rebuild/));
			expect(told.result).toContain("[[]]");
			await run(third, "kill $server; wait $server");
			// When the user has spoken again then, with its files.
			await host.preprocess({ text: "go on", ...more });
			expect(await run(third, 'echo "[[$(cat /mnt/shared/letter) $PWD $(cat file)]]"')).toBe("dear /home/user/work kept");
		});

		test("a chat of its own computer shares its folder with it", async () => {
			const workingDirectory = await mkdtemp(join(scratch, "chat-"));
			const chosen = { ...chat(target, "own", { computer: "chat", shareChatFolder: true }), workingDirectory };
			const mark = createHash("sha256").update(workingDirectory).digest("hex").slice(0, 12);
			const { host } = await start();
			const session = await host.openSession(chosen);
			await writeFile(join(workingDirectory, "from-the-user"), "hello");
			expect(await run(session, 'echo there >/mnt/shared/from-the-model; echo "[[$(cat /mnt/shared/from-the-user)]]"')).toBe("hello");
			expect(await readFile(join(workingDirectory, "from-the-model"), "utf8")).toBe("there\n");
			expect((await host.preprocess({ text: "What is there?", ...chosen })).text).toContain("/mnt/shared");
			await target.open(`own-${mark}`); // found again, and removed with the others
		});

		test("a port is reached with the internet off, and free again when LM Studio has gone", async () => {
			await target.open("ports");
			const busy = await listener();
			const port = await freePort();
			const { host, ended } = await start();
			const ports = `${port}:8000,${busy.number}:8001`;
			const session = await host.openSession(chat(target, "ports", { ports }));
			const { warnings } = await session.call("Execute", { command: "true" });
			expect(warnings.filter((warning) => warning.startsWith("port "))).toEqual([expect.stringMatching(`^port ${busy.number}:8001: `)]);
			// Whether something answers is the guest's: that it is asked at all is ours.
			expect(await reaches(port)).toBe(true);
			host.close();
			await ended;
			expect(await reaches(port)).toBe(false);
			await close(busy.server);
		});

		test("a message shows the model its computer, beside its shell", async () => {
			const computer = await target.open("shown");
			const { host } = await start();
			const chosen = chat(target, "shown");
			const session = await host.openSession(chosen);
			await run(session, "cd /tmp; touch ~/one ~/two; export FRUIT=plum");
			const busy = session.start("Execute", { command: "sleep 985" });
			await eventually(async () => (await computer.commands.list()).some(({ running }) => running)).toBe(true);
			// The shell is busy: nothing here waits for it.
			const { text } = await host.preprocess({ text: "What is there?", ...chosen });
			expect(text).toContain("it is running");
			expect(text).toContain("Working directory: /tmp");
			expect(text).toContain("In /home/user: one, two");
			expect(text).toMatch(/Running: job \S+, sleep 985, for \d+ s/);
			busy.abort();
			expect(await run(session, 'echo "[[$PWD $FRUIT $?]]"')).toMatch(/^\/tmp plum /);
		});
	});
}

describe.skipIf(docker === undefined || docker.skip !== undefined)("docker", () => {
	test("the internet is switched on and off", async () => {
		const target = docker as Target;
		await target.open("internet");
		const { host } = await start();
		const devices = async (internet: string) => {
			const session = await host.openSession(chat(target, "internet", { internet, allowedHosts: ["example.com"] }));
			const shown = await run(session, 'echo "[[$(cd /sys/class/net; echo *) $https_proxy $plain]]"; plain=$plain.');
			session.discard();
			return shown;
		};
		expect(await devices("off")).toMatch(/^lo +$/);
		// Made without a network, it is made anew, with its files; from then on the shell stays.
		expect(await devices("on")).toMatch(/^eth\d+ lo +$/);
		expect(await devices("allow-list")).toMatch(/^lo http:\/\/127.0.0.1:\d+ \.$/);
		expect(await devices("off")).toMatch(/^lo +\.\.$/);
		// What carries its connections then holds the process no longer than LM Studio is there.
		expect(await devices("allow-list")).toContain("http://");
	});

	test("an image that is nowhere is told, with a way out", async () => {
		const { host } = await start();
		const session = await host.openSession(chat(docker as Target, "nowhere", { image: "other", otherImage: "localhost:1/nowhere:1" }));
		const { result, statuses } = await session.call("Execute", { command: "true" });
		expect(statuses).toContain("pulling localhost:1/nowhere:1, 0 %");
		expect(result).toMatch(/^error: .*\nhint: /);
	});
});

describe.skipIf(podman === undefined || podman.skip !== undefined)("podman", () => {
	test("its service is started without a PATH and a HOME", async () => {
		const target = podman as Target;
		await target.open("plugin");
		// How it starts containers on this machine may be in a configuration of its own.
		const { host } = await start({ CONTAINERS_CONF: process.env["CONTAINERS_CONF"] });
		const session = await host.openSession(chat(target, "plugin"));
		expect(await run(session, 'cd /tmp; echo "[[$PWD]]"')).toBe("/tmp");
	});
});

test.skipIf(namespace === undefined || namespace.skip !== undefined)(
	"an ephemeral computer stays while its settings change, and goes with the plugin",
	async () => {
		const target = namespace as Target;
		const { host, ended } = await start();
		const chosen = chat(target, "ephemeral", { persistence: "ephemeral" });
		await run(await host.openSession(chosen), "touch ~/file");
		const other = await host.openSession({ config: { ...chosen.config, timeoutSeconds: 60 } });
		expect(await run(other, 'echo "[[$(ls)]]"')).toBe("file");
		host.close();
		await ended;
		const { name, driver } = chosen.config;
		const isThere = async () => {
			const computer = await findComputer({ name, driver });
			await computer?.close();
			return computer !== undefined;
		};
		await eventually(isThere).toBe(false);
	},
);

test.skipIf(namespace === undefined || namespace.skip !== undefined)("an agent that has lost its mode on the way works", async () => {
	const target = namespace as Target;
	await chmod(join(folder, "agent/agent-linux-amd64"), 0o644);
	await chmod(join(folder, "agent/agent-linux-arm64"), 0o644);
	const { host } = await start();
	await target.open("mode");
	const session = await host.openSession(chat(target, "mode"));
	expect(await run(session, "echo [[works]]")).toBe("works");
});

test("a folder that holds something else is left alone", async () => {
	const other = join(scratch, "letters");
	await mkdir(other);
	await writeFile(join(other, "letter"), "dear");
	await expect(installPlugin(other)).rejects.toThrow("no plugin");
	expect(await readFile(join(other, "letter"), "utf8")).toBe("dear");
});

test("the folder needs no script and no registry but the SDK's", async () => {
	const read = async (name: string) => JSON.parse(await readFile(join(folder, name), "utf8"));
	expect(await read("manifest.json")).toMatchObject({ type: "plugin", runner: "node", revision: 1 });
	const manifest = await read("package.json");
	expect(manifest).not.toHaveProperty("type");
	expect(manifest).not.toHaveProperty("scripts");
	expect(manifest.dependencies).toEqual({ "@lmstudio/sdk": "1.5.0" });
	const { packages } = (await read("package-lock.json")) as {
		packages: Record<string, { version: string; hasInstallScript?: boolean; resolved?: string }>;
	};
	expect(packages["node_modules/zod"]?.version).toMatch(/^3\./);
	for (const [name, { hasInstallScript, resolved }] of Object.entries(packages))
		expect([hasInstallScript, resolved], name).toEqual([undefined, undefined]);
});
