import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Driver, Machine } from "../../packages/computer/src/driver.js";
import { createDockerDriver } from "../../packages/computer/src/drivers/docker/index.js";
import { Engine } from "../../packages/computer/src/drivers/engine/engine.js";
import { openExec } from "../../packages/computer/src/drivers/engine/exec.js";
import type { ExecStream } from "../../packages/computer/src/drivers/engine/exec-stream.js";
import { createPodmanDriver } from "../../packages/computer/src/drivers/podman/index.js";
import { machineSpec } from "../../packages/computer/src/options.js";
import { DRIVERS } from "../support/drivers.js";
import { Wire } from "../support/wire.js";

const targets = DRIVERS.filter(({ driver }) => driver !== "namespace");

describe.each(targets)("$title", ({ driver: name, skip, options, computerName }) => {
	const make = name === "docker" ? createDockerDriver : createPodmanDriver;
	const driver: Driver = make();
	let machine: Machine;
	let socket: string;
	let engine: Engine;

	beforeAll(async () => {
		if (skip) return;
		const limits = { cpus: 0, memoryBytes: 0, pids: 0, network: "none" } as const;
		const spec = machineSpec({ preset: "none", hostname: "box", ...limits });
		machine = await driver.create({ ...spec, name: computerName("engine-stream"), image: options.image ?? "" });
		const found = await driver.probe();
		if (!found.usable) throw new Error(found.reason);
		socket = found.endpoint;
		const dialect = { product: name === "docker" ? "Docker" : "Podman" } as Engine["dialect"];
		const endpoint = { kind: "socket", path: socket } as const;
		engine = new Engine(dialect, endpoint, "", "linux");
	});

	afterAll(async () => {
		await machine?.remove();
		await driver.close();
	});

	const shell = (command: string): Promise<ExecStream> => openExec(engine, machine.id, ["sh", "-c", command], "run a test");

	test.skipIf(skip)("an end of writing is an end of file, and what is said after it arrives", async () => {
		const stream = await shell("printf '\\0'; wc -c; echo done");
		stream.end(Buffer.alloc(3_000_000, 7));
		expect(await text(stream)).toBe("\0" + "3000000\ndone\n");
	});

	test.skipIf(skip)("bytes come back as they went, however they are cut", async () => {
		const stream = await shell("cat");
		const sent = Buffer.alloc(1_000_003, 0).map((_, index) => (index * 7) % 251);
		const got: Buffer[] = [];
		stream.on("data", (part: Buffer) => got.push(part));
		for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 3) % 70_001) {
			stream.write(sent.subarray(at, at + size));
			if (size === 0) size = 1;
		}
		stream.end();
		await new Promise((resolve) => stream.once("end", resolve));
		expect(Buffer.concat(got).equals(sent)).toBe(true);
	});

	test.skipIf(skip)("a reader that stalls stalls the program, not this process's memory", async () => {
		const stream = await shell("head -c 100000000 /dev/zero; head -c 10 /dev/zero");
		stream.once("readable", () => {});
		await expect.poll(() => stream.readableLength).toBeGreaterThan(0);
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect(stream.readableLength).toBeLessThan(1_000_000);
		let bytes = 0;
		for await (const part of stream) bytes += (part as Buffer).length;
		expect(bytes).toBe(100_000_010);
	});

	test.skipIf(skip)("a program that only complains is an error with the end of its words", async () => {
		const complaint = await shell("head -c 10000 /dev/zero | tr '\\0' x >&2; echo last words >&2");
		await expect(text(complaint)).rejects.toMatchObject({ code: "machine_failed", message: expect.stringMatching(/last words|x{100}/) });
		const missing = await openExec(engine, machine.id, ["/no/such/program"], "run a test");
		await expect(text(missing)).rejects.toMatchObject({ code: "machine_failed", message: expect.stringContaining("/no/such/program") });
		const full = await shell("echo 'container create failed (no logs from conmon)' >&2");
		await expect(text(full)).rejects.toMatchObject({ code: "limit_reached", retryable: true });
	});

	test.skipIf(skip)("an engine that hangs is given up at the deadline, or when the caller gives up", async () => {
		const path = join(tmpdir(), `lms-wire-${process.pid}-${name}.sock`);
		const wire = new Wire(socket);
		await wire.listen(path);
		const behind = make({ endpoint: `unix://${path}` });
		const there = (await behind.attach(machine.name)) as Machine;
		wire.hangs = true;
		const aborted = behind.list({ signal: AbortSignal.timeout(100) });
		await expect(aborted).rejects.toMatchObject({ code: "canceled" });
		const endpoint = { kind: "socket", path } as const;
		const hung = new Engine(engine.dialect, endpoint, "", "linux");
		const call = hung.call("list", (docker, abortSignal) => docker.listContainers({ abortSignal }), { deadlineMs: 100 });
		await expect(call).rejects.toMatchObject({ code: "timeout", message: expect.stringContaining("did not answer within 100 ms") });
		wire.hangs = false;
		expect((await there.inspect()).state).toBe("running");
		await wire.close();
		await behind.close();
	});

	test.skipIf(skip)("an engine that goes away is a typed error, and one that comes back is used again", async () => {
		const first = new Wire(socket);
		await first.listen(0);
		const { port } = first;
		// Over TCP there is no way past the engine, whose end is the stream's.
		const behind = make({ endpoint: `tcp://127.0.0.1:${port}` });
		const there = (await behind.attach(machine.name)) as Machine;
		const stream = await there.connect();
		const closed = new Promise((resolve) =>
			stream
				.once("close", resolve)
				.on("error", () => {})
				.resume(),
		);
		await first.close();
		await closed;
		await expect(there.inspect()).rejects.toMatchObject({ code: "driver_unavailable" });
		const second = new Wire(socket);
		await second.listen(port);
		expect((await there.inspect()).state).toBe("running");
		await second.close();
		await behind.close();
	});

	test.skipIf(skip)("an engine behind TCP works as one behind a socket, whatever DOCKER_HOST says", async () => {
		const wire = new Wire(socket);
		await wire.listen(0);
		const before = process.env["DOCKER_HOST"];
		process.env["DOCKER_HOST"] = "tcp://127.0.0.1:1";
		try {
			const behind = make({ endpoint: `tcp://127.0.0.1:${wire.port}` });
			const stream = await ((await behind.attach(machine.name)) as Machine).connect();
			// The agent speaks first: the settings of HTTP/2.
			stream.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0");
			const [greeting] = (await new Promise((resolve) => stream.once("data", (part: Buffer) => resolve([part])))) as [Buffer];
			expect(greeting[3]).toBe(4);
			await behind.close();
			expect(stream.destroyed).toBe(true);
		} finally {
			if (before === undefined) delete process.env["DOCKER_HOST"];
			else process.env["DOCKER_HOST"] = before;
			await wire.close();
		}
	});
});
