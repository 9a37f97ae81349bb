import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import Docker from "dockerode";
import { afterAll, describe, expect, test } from "vitest";
import type { Driver, Machine, MachineSpec, Progress } from "../../packages/computer/src/driver.js";
import { createDockerDriver, dialect as docker } from "../../packages/computer/src/drivers/docker/index.js";
import { noteFile } from "../../packages/computer/src/drivers/engine/changed-settings.js";
import { ownBytes } from "../../packages/computer/src/drivers/engine/checkpoint-images.js";
import { createContainer } from "../../packages/computer/src/drivers/engine/create-container.js";
import { Engine } from "../../packages/computer/src/drivers/engine/engine.js";
import { describeHost } from "../../packages/computer/src/drivers/engine/host.js";
import { locateEngine } from "../../packages/computer/src/drivers/engine/locate.js";
import { whileSaving } from "../../packages/computer/src/drivers/engine/saving.js";
import { ownerId } from "../../packages/computer/src/drivers/ownership.js";
import { createPodmanDriver, dialect as podman } from "../../packages/computer/src/drivers/podman/index.js";
import { ComputerError } from "../../packages/computer/src/errors/index.js";
import { machineSpec } from "../../packages/computer/src/options.js";
import { DRIVERS } from "../support/drivers.js";
import { Wire } from "../support/wire.js";

const targets = DRIVERS.filter(({ driver }) => driver !== "namespace");

describe.each(targets)("$title", ({ driver: name, skip, options, computerName }) => {
	const make = name === "docker" ? createDockerDriver : createPodmanDriver;
	const driver: Driver = make();
	const made: Machine[] = [];

	const spec = (short: string, more: Partial<MachineSpec> = {}): MachineSpec => ({
		...machineSpec({ preset: "none", diskBytes: 0 }),
		name: computerName(`engine-${short}`),
		image: options.image ?? "",
		hostname: "box",
		cpus: 1,
		memoryBytes: 256 * 1024 * 1024,
		pids: 100,
		network: "none",
		env: { GREETING: "two words=1" },
		...more,
	});

	async function create(short: string, more: Partial<MachineSpec> = {}): Promise<Machine> {
		const machine = await driver.create(spec(short, more));
		made.push(machine);
		return machine;
	}

	/** A preset that nobody else has: its script is this run's own. */
	function scripted(text: string): MachineSpec["preset"] {
		return { name: "none", packages: [], script: `echo here >/made; echo ${computerName("preset")} ${text}`, required: false };
	}

	async function expectMade(short: string, preset: MachineSpec["preset"]): Promise<void> {
		const machine = await create(short, { preset });
		expect((await machine.inspect()).warnings).toEqual([]);
		expect(await run(machine, "cat /made")).toBe("here\n");
		const { Image } = await (await engine()).getContainer(machine.id).inspect();
		await machine.remove();
		await (await engine()).getImage(Image).remove();
	}

	/** The engine itself, to look behind the driver's back. */
	async function engine(): Promise<Docker> {
		const found = await driver.probe();
		if (!found.usable) throw new Error(found.reason);
		return new Docker({ socketPath: found.endpoint });
	}

	afterAll(async () => {
		await Promise.all(made.map((machine) => machine.remove()));
		await driver.close();
	});

	test.skipIf(skip)("a fork does not take the name of a machine whose rollback was cut short", async () => {
		const [from, other] = [await create("fork-from"), await create("fork-taken")];
		await (await engine()).getContainer(other.id).rename({ name: `lms-rollback-${other.name}-0123456789ab` });
		await expect(from.checkpoints?.fork(undefined, other.name)).rejects.toMatchObject({ code: "already_exists" });
		expect((await driver.attach(other.name))?.id).toBe(other.id);
	});

	/** As a rollback by another host has it just before its end. */
	async function toTakeOver({ name: of }: Machine, madeAt: number, label: string): Promise<string> {
		const container = `lms-rollback-${of}-${(madeAt * 16).toString(16).padStart(12, "0")}`;
		const labels = { "lms-computer": "1", "lms-computer.name": of, "lms-computer.owner": await ownerId(), label };
		const argv = Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
		execFileSync(name, ["create", "--name", container, ...argv, options.image ?? "", "true"]);
		return container;
	}
	const names = (): string[] => execFileSync(name, ["ps", "--all", "--format", "{{.Names}}"], { encoding: "utf8" }).split("\n");

	test.skipIf(skip)("a rollback and prune leave alone what may be about to take over by another one; a removal does not", async () => {
		const machine = await create("crowded");
		const { id } = (await machine.checkpoints?.make("")) ?? { id: "" };
		const [fresh, old] = [await toTakeOver(machine, Date.now(), "fresh"), await toTakeOver(machine, Date.now() - 600_000, "old")];
		expect((await driver.leftovers()).map(({ what }) => what).filter((what) => [fresh, old].includes(what))).toEqual([old]);
		const done = await machine.checkpoints?.rollback(id);
		await done?.tidy();
		expect(names()).toContain(fresh);
		expect(names()).not.toContain(old);
		await done?.machine.remove();
		expect(names()).not.toContain(fresh);
	});

	test.skipIf(skip)(
		"the latest of those that were to take over is the machine where none has its name, and has it once it is replaced itself",
		async () => {
			const machine = await create("nameless");
			const { id } = (await machine.checkpoints?.make("")) ?? { id: "" };
			const earlier = await toTakeOver(machine, Date.now() - 60_000, "earlier");
			const latest = `lms-rollback-${machine.name}-${(Date.now() * 16).toString(16).padStart(12, "0")}`;
			execFileSync(name, ["rename", machine.id, latest]);
			expect((await driver.attach(machine.name))?.id).toBe(machine.id);
			// The one that is lost before it takes over is not taken for the machine.
			const lost = new AbortController();
			const rollback = machine.checkpoints?.rollback(id, { signal: lost.signal, onFound: () => lost.abort() });
			await expect(rollback).rejects.toMatchObject({ code: "canceled" });
			expect(names()).toEqual(expect.arrayContaining([earlier, `lms-computer-${machine.name}`]));
			const done = await machine.checkpoints?.rollback(id);
			await done?.tidy();
			expect((await driver.attach(machine.name))?.id).toBe(done?.machine.id);
			await done?.machine.remove();
		},
	);

	test.skipIf(skip)(
		"two rollbacks at once by two who hold the same machine: one of them is done, and the other says that the machine is another one",
		async () => {
			const machine = await create("twice");
			const { id } = (await machine.checkpoints?.make("")) ?? { id: "" };
			const both = await Promise.allSettled([1, 2].map(() => machine.checkpoints?.rollback(id)));
			const done = both.flatMap((one) => (one.status === "fulfilled" ? (one.value ?? []) : []));
			for (const one of both) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "machine_gone" });
			expect(done.length).toBeGreaterThan(0);
			for (const { tidy } of done) await tidy();
			const left = await driver.attach(machine.name);
			expect(done.map((one) => one.machine.id)).toContain(left?.id);
			expect(await left?.inspect()).toMatchObject({ state: "running" });
			await left?.remove();
			expect(names().filter((container) => container.includes(machine.name))).toEqual([]);
		},
	);

	test.skipIf(skip)("a checkpoint that somebody else removes while it is looked at has no size, and fails nothing", async () => {
		const found = await locateEngine(name === "docker" ? docker : podman, describeHost({}));
		if (!(found instanceof Engine)) throw new Error(found.reason);
		expect(await ownBytes(found, "0123456789ab".repeat(5))).toBeUndefined();
	});

	test.skipIf(skip)("who gives up while the engine is looked for ends nobody else's search", async () => {
		const fresh = make();
		const impatient = new AbortController();
		const first = fresh.count({ signal: impatient.signal });
		const second = fresh.count();
		impatient.abort();
		await expect(first).rejects.toMatchObject({ code: "canceled" });
		expect(await second).toBeGreaterThanOrEqual(0);
		await fresh.close();
	});

	test.skipIf(skip)("an ephemeral machine that has gone when a rebuild ends it makes no rebuild fail", async () => {
		const machine = await create("goes", { persistence: "ephemeral" });
		const next = await machine.rebuild(spec("goes", { persistence: "ephemeral" }), {
			keepFiles: false,
			onProgress: ({ phase }) => {
				if (phase === "create") execFileSync(name, ["rm", "--force", machine.id]);
			},
		});
		made.push(next);
		expect(await next.inspect()).toMatchObject({ name: machine.name, state: "running" });
	});

	test.skipIf(skip)("a machine is what its spec says, with the agent as PID 1", async () => {
		const steps: Progress[] = [];
		const asked = spec("spec");
		const machine = await driver.create(asked, { onProgress: (step) => steps.push(step) });
		made.push(machine);
		expect(steps.map(({ phase }) => phase).filter((phase) => phase !== "prepare")).toEqual(["create", "start"]);
		expect(await machine.inspect()).toMatchObject({ name: asked.name, driver: name, state: "running", image: asked.image, warnings: [] });
		expect(Date.now() - (await machine.inspect()).createdAt).toBeLessThan(60_000);

		const container = await (await engine()).getContainer(machine.id).inspect();
		expect([container.Path, ...container.Args]).toEqual(["/.lms/agent", "init", "--made", expect.stringMatching(/^[0-9a-f]{12}$/)]);
		expect(container.Config.Env).toEqual(expect.arrayContaining(["HOME=/home/user", "LANG=C.UTF-8", "GREETING=two words=1"]));
		expect(container.HostConfig).toMatchObject({ Memory: asked.memoryBytes, MemorySwap: asked.memoryBytes, PidsLimit: 100, NanoCpus: 1e9 });
		expect(container.HostConfig).toMatchObject({ NetworkMode: "none", Privileged: false, SecurityOpt: ["no-new-privileges"] });

		// Not what the engine notes, but what the kernel does.
		const seen = await run(
			machine,
			"grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' /proc/1/status; hostname; id -u; pwd; ls /sys/class/net",
		);
		expect(seen.replaceAll("\t", " ").split("\n")).toEqual(
			expect.arrayContaining([
				"CapBnd: 00000000800000fb",
				"CapEff: 00000000800000fb",
				"NoNewPrivs: 1",
				"Seccomp: 2",
				"box",
				"0",
				"/home/user",
				"lo",
			]),
		);
	});

	test.skipIf(skip)(
		"a limit that an engine promises and then refuses is left out of whatever is made, and the agent keeps it where it can",
		async () => {
			const found = await locateEngine(name === "docker" ? docker : podman, describeHost({}));
			if (!(found instanceof Engine)) throw new Error(found.reason);
			const like = await create("promised");
			const { Image: id } = await (await engine()).getContainer(like.id).inspect();
			const diskBytes = 64 * 1024 * 1024;
			const limits = { cpus: 0, memoryBytes: 0, pids: 0, diskBytes };
			const other = await createContainer(found, {
				spec: spec("refused", { diskBytes }),
				image: { id, agentHash: "", path: undefined },
				limits,
			});
			made.push((await driver.attach(computerName("engine-refused"))) as Machine);
			const { Args, HostConfig } = await (await engine()).getContainer(other).inspect();
			expect(Args.includes("--disk-bytes")).toBe(HostConfig.StorageOpt?.["size"] === undefined);
		},
	);

	test.skipIf(skip)("a limit that was taken away is no limit that the engine refused: a rebuild can set one again", async () => {
		const machine = await create("limit-again");
		await machine.reconfigure({ pids: 0 });
		const next = await machine.rebuild(spec("limit-again", { pids: 77 }), { keepFiles: false });
		made.push(next);
		expect((await next.inspect()).warnings).toEqual([]);
		expect((await (await engine()).getContainer(next.id).inspect()).HostConfig.PidsLimit).toBe(77);
	});

	test.skipIf(skip)(
		"a refusal to make another machine is none of the preset's, and nothing keeps the next one from having it",
		async () => {
			const preset = scripted("made");
			const admitted = Promise.reject(new ComputerError("limit_reached", "there are enough"));
			admitted.catch(() => {});
			await create("prepared");
			await expect(driver.create(spec("refused-preset", { preset }), { admitted })).rejects.toMatchObject({ code: "limit_reached" });
			await expectMade("refused-preset", preset);
		},
	);

	test.skipIf(skip)("what an installation says may be much, and at once", async () => {
		await expectMade("says-much", { ...scripted("said; seq 1000000 1100000"), required: true });
	});

	test.skipIf(skip)("the second of a name is refused, whoever made the first", async () => {
		const machine = await create("twice");
		await expect(driver.create(spec("twice"))).rejects.toMatchObject({ code: "already_exists", context: { id: machine.id } });
		expect((await driver.attach(machine.name))?.id).toBe(machine.id);

		const docker = await engine();
		const foreign = await docker.createContainer({
			name: `lms-computer-${computerName("engine-foreign")}`,
			Image: options.image ?? "",
			Cmd: ["true"],
		});
		try {
			await expect(driver.create(spec("foreign"))).rejects.toMatchObject({
				code: "busy",
				message: expect.stringContaining("did not make"),
			});
			expect(await driver.attach(computerName("engine-foreign"))).toBeUndefined();
			expect((await foreign.inspect()).State.Status).toBe("created");
		} finally {
			await foreign.remove();
		}
	});

	test.skipIf(skip)("stop, start, pause and remove, each twice", async () => {
		const machine = await create("states");
		await machine.stop();
		await machine.stop();
		expect((await machine.inspect()).state).toBe("stopped");
		await expect(machine.connect()).rejects.toMatchObject({ code: "machine_gone" });
		expect((await driver.list()).find(({ id }) => id === machine.id)?.state).toBe("stopped");
		await machine.start();
		await machine.start();
		expect(await hello(machine)).toMatchObject({ generation: 1, pid: 1 });

		await (await engine()).getContainer(machine.id).pause();
		expect((await machine.inspect()).state).toBe("paused");
		await machine.start();
		expect((await machine.inspect()).state).toBe("running");
		await (await engine()).getContainer(machine.id).pause();
		await machine.stop();
		expect((await machine.inspect()).state).toBe("stopped");

		await machine.remove();
		await machine.remove();
		for (const verb of ["inspect", "start", "stop", "connect"] as const) {
			await expect(machine[verb]()).rejects.toMatchObject({ code: "machine_gone" });
		}
		expect(await driver.attach(machine.name)).toBeUndefined();
	});

	const isRoot = process.getuid?.() === 0;
	const lacksRoot = isRoot ? "" : " (skipped: only root can stop its first process)";
	test.skipIf(skip || !isRoot)(`a restart while another holder stops it is one${lacksRoot}`, async () => {
		const machine = await create("stopping");
		const { Pid, StartedAt } = (await (await engine()).getContainer(machine.id).inspect()).State;
		// It hears no TERM: its end takes as long as it is given.
		process.kill(Pid, "SIGSTOP");
		const stopped = machine.stop();
		await pause(500);
		await Promise.all([stopped, machine.restart()]);
		const { Running, StartedAt: again } = (await (await engine()).getContainer(machine.id).inspect()).State;
		expect({ Running, isOther: again !== StartedAt }).toEqual({ Running: true, isOther: true });
	});

	test.skipIf(skip)("limits that are changed as another holder stops it are those of its next start", async () => {
		const machine = await create("stops");
		const memoryBytes = 128 * 1024 * 1024;
		for (let round = 0; round < 5; round++) {
			await machine.start();
			const pids = 50 + round;
			await Promise.all([machine.stop(), ...[0, 60, 120].map((ms) => pause(ms).then(() => machine.reconfigure({ memoryBytes, pids })))]);
			await machine.start();
			expect(await run(machine, "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null")).toBe(`${pids}\n`);
		}
	});

	test.skipIf(skip)(
		"one that stands still because its files are being saved is waited for, and goes on when that is over or whoever did it is dead",
		async () => {
			const machine = await create("saved");
			const container = (await engine()).getContainer(machine.id);
			const pausedNow = async () => (await container.inspect()).State.Paused;
			const dialect = name === "docker" ? docker : podman;
			let begun = () => {};
			const saving = new Promise<void>((resolve) => (begun = resolve));
			let over = () => {};
			const saved = whileSaving(dialect, machine.id, async () => {
				await container.pause();
				begun();
				await new Promise<void>((resolve) => (over = resolve));
				const { Paused } = (await container.inspect()).State;
				await container.unpause();
				return Paused;
			});
			await saving;
			expect((await machine.inspect()).state).toBe("running");
			// Another saving, too: the engine would let the container go on after the first of the two.
			const waiting = [machine.start(), hello(machine), whileSaving(dialect, machine.id, pausedNow)];
			const canceled = machine.start({ signal: AbortSignal.timeout(100) });
			await expect(canceled).rejects.toMatchObject({ code: "canceled" });
			over();
			expect(await saved).toBe(true);
			expect((await Promise.all(waiting)).at(-1)).toBe(false);

			await container.pause();
			const dead = spawnSync(process.execPath, ["-e", ""]).pid;
			writeFileSync(noteFile(dialect, machine.id, "saving"), String(dead));
			expect((await machine.inspect()).state).toBe("paused");
			await machine.start();
			expect(await pausedNow()).toBe(false);
			expect(await whileSaving(dialect, machine.id, pausedNow)).toBe(false);
			expect(existsSync(noteFile(dialect, machine.id, "saving"))).toBe(false);
		},
	);

	test.skipIf(skip)("several connections at once, each its own; a closed one ends its process", async () => {
		const machine = await create("connect");
		await Promise.all([hello(machine), hello(machine), hello(machine)]);
		const found = await driver.probe();
		if (!found.usable) throw new Error(found.reason);
		const wire = new Wire(found.endpoint);
		await wire.listen(0);
		// Over TCP there is no way past the engine: each connection is a process. The brackets keep grep from finding itself.
		const behind = make({ endpoint: `tcp://127.0.0.1:${wire.port}` });
		const count = async (): Promise<number> => Number(await run(machine, "grep -lz '^[c]onnect' /proc/[0-9]*/cmdline 2>/dev/null | wc -l"));
		const before = await count();
		const stream = await ((await behind.attach(machine.name)) as Machine).connect();
		await expect.poll(count).toBe(before + 1);
		stream.destroy();
		// The engine tells the process by closing its stdin; that takes it a moment.
		await expect.poll(count).toBe(before);
		await behind.close();
		await wire.close();
	});

	test.skipIf(skip)("a killed machine ends its streams", async () => {
		const machine = await create("killed");
		const stream = await machine.connect();
		const ended = new Promise((resolve) => stream.once("close", resolve).on("error", () => {}));
		stream.resume();
		await (await engine()).getContainer(machine.id).kill();
		await ended;
		await expect(machine.connect()).rejects.toMatchObject({ code: "machine_gone" });
	});

	test.skipIf(skip)("a failure or an abort leaves no container", async () => {
		const containers = async (): Promise<number> => {
			const mine = { name: [computerName("engine-none")] };
			return (await (await engine()).listContainers({ all: true, filters: mine })).length;
		};
		// Refused by the OCI runtime at the start, so after the create.
		await expect(driver.create(spec("none", { hostname: "h".repeat(65) }))).rejects.toThrow();
		expect(await containers()).toBe(0);
		await expect(driver.create(spec("none", { runtime: "no-such-runtime" }))).rejects.toMatchObject({ code: "not_supported" });
		await expect(driver.create(spec("none", { image: "not a reference" }))).rejects.toMatchObject({ code: "invalid_argument" });
		for (const phase of ["create", "start"]) {
			const controller = new AbortController();
			const onProgress = (step: Progress): void => (step.phase === phase ? controller.abort() : undefined);
			await expect(driver.create(spec("none"), { signal: controller.signal, onProgress })).rejects.toMatchObject({ code: "canceled" });
			expect(await containers()).toBe(0);
		}
	});

	test.skipIf(skip)("more CPUs than there are is a warning, a limit that no machine can have an error", async () => {
		const machine = await create("cpus", { cpus: 1_000, memoryBytes: 0, pids: 0 });
		expect((await machine.inspect()).warnings).toEqual([expect.stringMatching(/^1000 CPUs were asked for, the engine has \d+\.$/)]);
		await expect(driver.create(spec("tiny", { memoryBytes: 1_000 }))).rejects.toThrow(/memory/i);
	});

	test.skipIf(skip)("two at once of a fresh image are two machines and one prepared image", async () => {
		const [one, two] = await Promise.all([create("one"), create("two")]);
		const docker = await engine();
		const images = await Promise.all([one, two].map(async ({ id }) => (await docker.getContainer(id).inspect()).Image));
		expect(images[0]).toBe(images[1]);
		const labels = (await docker.getImage(images[0] ?? "").inspect()).Config.Labels;
		expect(labels).toMatchObject({ "lms-computer.prepared": "1", "lms-computer.agent": expect.stringMatching(/^[0-9a-f]{64}$/) });
		const left = await docker.listContainers({ all: true, filters: { name: ["lms-prepare-"] } });
		expect(left.filter(({ Created }) => Created * 1000 < Date.now() - 60_000)).toEqual([]);
	});
});

interface Session extends AsyncDisposable {
	request(headers: http2.OutgoingHttpHeaders, body?: string): Promise<string>;
}

function speak(stream: Duplex): Session {
	const session = http2.connect("http://agent", { createConnection: () => stream });
	session.on("error", () => {});
	return {
		async request(headers, body) {
			const answer = session.request(headers);
			answer.end(body);
			return await text(answer);
		},
		[Symbol.asyncDispose]: () => new Promise((resolve) => session.close(resolve)),
	};
}

async function hello(machine: Machine): Promise<unknown> {
	await using agent = speak(await machine.connect());
	return JSON.parse(await agent.request({ ":path": "/v1/hello" }));
}

/** Stdout of a command, by the agent's own frames. */
async function run(machine: Machine, command: string): Promise<string> {
	await using agent = speak(await machine.connect());
	const frames = Buffer.from(await agent.request({ ":path": "/v1/exec", ":method": "POST" }, JSON.stringify({ command })), "utf8");
	let stdout = "";
	for (let at = 0; at + 5 <= frames.length; ) {
		const end = at + 5 + frames.readUInt32BE(at + 1);
		if (frames[at] === 1) stdout += frames.toString("utf8", at + 5, end);
		at = end;
	}
	return stdout;
}
