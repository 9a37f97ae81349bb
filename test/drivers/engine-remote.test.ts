import { createHash } from "node:crypto";
import net from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leaseDriver } from "../../packages/computer/src/drivers/registry.js";
import { DRIVERS } from "../support/drivers.js";
import { guestArguments, output } from "../support/suite.js";
import { Wire } from "../support/wire.js";

const VARIABLES = { docker: "DOCKER_HOST", podman: "CONTAINER_HOST" } as const;
const MIB = 1024 * 1024;

/** An engine over TCP, as one in a virtual machine or of another host is: everything goes over the stdio of an exec. */
describe.each(DRIVERS.filter(({ driver }) => driver !== "namespace"))("$title", ({ driver, skip, open }) => {
	const variable = VARIABLES[driver as keyof typeof VARIABLES];
	const before = process.env[variable];
	let wire: Wire;
	const servers: net.Server[] = [];

	beforeAll(async () => {
		if (skip) return;
		const lease = await leaseDriver(driver);
		const found = await lease.probe({});
		if (!found.usable) throw new Error(found.reason);
		await lease.release();
		wire = new Wire(found.endpoint);
		await wire.listen(0);
		process.env[variable] = `tcp://127.0.0.1:${wire.port}`;
	});

	afterAll(async () => {
		for (const server of servers) server.close();
		if (before === undefined) delete process.env[variable];
		else process.env[variable] = before;
	});

	test.skipIf(skip)("commands, much at once both ways, files, tunnels and the way out", async () => {
		const server = net
			.createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {}).pipe(socket))
			.listen(0, "127.0.0.1");
		servers.push(server);
		await new Promise((resolve) => server.once("listening", resolve));
		const { port } = server.address() as net.AddressInfo;
		const computer = await open("remote", { network: { allow: [`127.0.0.1:${port}`] } });
		expect(await guestArguments(computer)).toContain("connect");
		expect(await computer.exec("echo out; echo err >&2; exit 3")).toMatchObject({ stdout: "out\n", stderr: "err\n", exitCode: 3 });

		const block = Buffer.alloc(MIB, 7);
		const source = () => Readable.from(Array.from({ length: 48 }, () => block));
		const sum = createHash("sha256");
		for (let at = 0; at < 48; at++) sum.update(block);
		const echo = await computer.spawn("cat", { stdin: source() });
		let bytes = 0;
		for await (const part of echo) bytes += part.bytes.length;
		expect(bytes).toBe(48 * MIB);
		await computer.files.write("/tmp/large", source());
		expect(await output(computer, "sha256sum </tmp/large")).toBe(`${sum.digest("hex")}  -`);

		const proxy = await output(computer, "echo ${http_proxy#http://}");
		const forward = await computer.forward(Number(proxy.split(":")[1]));
		const client = net.connect(forward.port, "127.0.0.1");
		client.end(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n\0${"x".repeat(MIB)}`);
		expect((await text(client)).endsWith(`\r\n\r\n\0${"x".repeat(MIB)}`)).toBe(true);
		await computer.remove();
		await wire.close();
	});
});
