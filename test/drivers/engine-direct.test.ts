import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import type { Computer } from "lms-computer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Driver, Machine } from "../../packages/computer/src/driver.js";
import { createDockerDriver } from "../../packages/computer/src/drivers/docker/index.js";
import { connectDirectly } from "../../packages/computer/src/drivers/engine/direct.js";
import { createPodmanDriver } from "../../packages/computer/src/drivers/podman/index.js";
import { DRIVERS } from "../support/drivers.js";
import { guestArguments } from "../support/suite.js";

const targets = DRIVERS.filter(({ driver }) => driver !== "namespace");

/** The way past the engine, docs/decisions/0012: where it leads, and where it must not. */
describe.each(targets)("$title", ({ driver: name, skip, open, options }) => {
	const driver: Driver = name === "docker" ? createDockerDriver() : createPodmanDriver();
	const servers: Server[] = [];
	let computer: Computer;
	let docker: Docker;
	let machine: Machine;
	let pid: number;

	beforeAll(async () => {
		if (skip) return;
		computer = await open("direct", { user: "root" });
		machine = (await driver.attach(computer.name)) as Machine;
		const found = await driver.probe();
		if (!found.usable) throw new Error(found.reason);
		docker = new Docker({ socketPath: found.endpoint });
		pid = (await docker.getContainer(machine.id).inspect()).State.Pid;
	});

	afterAll(async () => {
		for (const server of servers) server.close();
		await driver.close();
	});

	const argsOf = async (id: string) => (await docker.getContainer(id).inspect()).Args;
	const ask = async (id: string, number: number) => connectDirectly(await argsOf(id), number);

	test.skipIf(skip)("it is a socket of this host's, and no process in the machine", async () => {
		const stream = await machine.connect();
		expect(stream).toBeInstanceOf(Socket);
		expect(await guestArguments(computer)).not.toContain("connect");
		stream.destroy();
	});

	test.skipIf(skip)("a number of another machine's process, of this host's or of none leads nowhere", async () => {
		const other = await open("direct-other", options);
		const id = ((await driver.attach(other.name)) as Machine).id;
		for (const [container, number] of [
			[id, pid],
			[machine.id, process.pid],
			[machine.id, 2 ** 22 + 1],
		] as const) {
			expect(await ask(container, number)).toBeUndefined();
		}
		await other.remove();
	});

	test.skipIf(skip)("symlinks of the machine's do not lead to sockets of this host", async () => {
		const outside = await mkdtemp(join(tmpdir(), "lms-direct-"));
		let reached = 0;
		const listen = (path: string) =>
			new Promise<void>((resolve) => {
				const server = createServer((socket) => {
					reached++;
					socket.destroy();
				}).listen(path, resolve);
				servers.push(server);
			});
		await listen(join(outside, "agent.sock"));
		const held = await ask(machine.id, pid);
		expect(held).toBeInstanceOf(Socket);
		held?.destroy();
		for (const attack of [
			`mv /run/lms/agent.sock /run/lms/kept; ln -s ${outside}/agent.sock /run/lms/agent.sock`,
			`rm /run/lms/agent.sock; ln -s /proc/1/root${outside}/agent.sock /run/lms/agent.sock`,
			"rm /run/lms/agent.sock; mkfifo /run/lms/agent.sock",
		]) {
			expect((await computer.exec(attack)).exitCode).toBe(0);
			expect(await ask(machine.id, pid), attack).toBeUndefined();
		}
		expect((await computer.exec("rm /run/lms/agent.sock; mv /run/lms/kept /run/lms/agent.sock")).exitCode).toBe(0);
		const again = await ask(machine.id, pid);
		expect(again).toBeInstanceOf(Socket);
		again?.destroy();
		expect(reached).toBe(0);
		await rm(outside, { recursive: true });
	});
});
