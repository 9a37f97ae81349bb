import { randomBytes } from "node:crypto";
import http from "node:http";
import net from "node:net";
import { buffer, text } from "node:stream/consumers";
import { beforeAll, expect, test } from "vitest";
import { serveInGuest } from "../support/guest-server.js";
import { expectError, guestArguments, suite } from "../support/suite.js";

function dial(port: number, host = "127.0.0.1"): Promise<net.Socket> {
	return new Promise((resolve, reject) => {
		const socket = net.connect({ port, host, allowHalfOpen: true }, () => resolve(socket));
		socket.once("error", reject);
	});
}

const ECHO = 9001;
const WEB = 9002;
const FLOOD = 9003;
const SILENT = 9005;

suite("tunnel", (subject) => {
	beforeAll(async () => {
		const { computer } = subject;
		await serveInGuest(computer, ECHO, "cat");
		await serveInGuest(
			computer,
			WEB,
			'read -r request; while read -r line && [ -n "$(echo "$line" | tr -d \'\\r\')" ]; do :; done; printf \'HTTP/1.0 200 OK\\r\\ncontent-type: text/plain\\r\\n\\r\\nyou asked %s from a machine\' "$request"',
		);
		await serveInGuest(computer, FLOOD, "cat /dev/zero");
		await serveInGuest(computer, SILENT, "sleep 600");
	});

	test("a web server in the guest is reached from the host", async () => {
		await using forward = await subject.computer.forward(WEB);
		expect(forward).toMatchObject({ host: "127.0.0.1", guestPort: WEB });
		const ask = () =>
			new Promise<string>((resolve, reject) => {
				http
					.get({ port: forward.port, host: forward.host, path: "/page", agent: false }, (answer) => resolve(text(answer)))
					.on("error", reject);
			});
		const answers = await Promise.all(Array.from({ length: 20 }, ask));
		expect(new Set(answers)).toEqual(new Set(["you asked GET /page HTTP/1.1\r from a machine"]));
	});

	test("8 MB both ways, and the end of one side is not the end of the other", async () => {
		await using forward = await subject.computer.forward(ECHO);
		const bytes = randomBytes(8 * 1024 * 1024);
		const socket = await dial(forward.port);
		socket.end(bytes);
		expect(Buffer.compare(await buffer(socket), bytes)).toBe(0);
	});

	test("a client that reads nothing holds no memory, and other calls go on", async () => {
		await using forward = await subject.computer.forward(FLOOD);
		const before = process.memoryUsage().rss;
		const sockets = await Promise.all(Array.from({ length: 4 }, () => dial(forward.port)));
		for (const socket of sockets) socket.pause();
		await new Promise((resolve) => setTimeout(resolve, 700));
		expect((await subject.computer.exec("echo here", { session: "aside" })).stdout).toBe("here\n");
		expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
		for (const socket of sockets) socket.destroy();
		// The programs are told: they write to a connection that is gone.
		await expect.poll(() => guestArguments(subject.computer), { timeout: 10_000 }).not.toContain("/dev/zero");
	});

	test("nothing listens: a reset for the client, a clear error for the holder, and the forward lives on", async () => {
		const errors: unknown[] = [];
		await using forward = await subject.computer.forward(9099, { onError: (error) => errors.push(error) });
		const broken = await dial(forward.port)
			.then(buffer)
			.catch((error) => error);
		expect(broken).toMatchObject({ code: "ECONNRESET" });
		expect(errors).toEqual([expect.objectContaining({ code: "not_found", message: "nothing listens on port 9099 in the machine" })]);
		await serveInGuest(subject.computer, 9099, "echo now");
		expect(await text(await dial(forward.port))).toBe("now\n");
	});

	test("close ends the listener and every connection, and can be called again", async () => {
		const forward = await subject.computer.forward(SILENT);
		const sockets = await Promise.all([dial(forward.port), dial(forward.port)]);
		const ended = Promise.all(
			sockets.map(
				(socket) =>
					new Promise((resolve) =>
						socket
							.on("error", () => {})
							.on("close", resolve)
							.resume()
							.on("end", () => socket.end()),
					),
			),
		);
		await forward.close();
		await ended;
		await expect(dial(forward.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
		await forward.close();
	});

	test("a port that is taken, and ports that are none", async () => {
		await using forward = await subject.computer.forward(ECHO);
		await expectError(subject.computer.forward(ECHO, { hostPort: forward.port }), "already_exists");
		await expectError(subject.computer.forward(0), "invalid_argument");
		await expectError(subject.computer.forward(65_536), "invalid_argument");
		await expectError(subject.computer.forward(ECHO, { host: "198.51.100.7" }), "invalid_argument");
	});

	test("200 connections leave nothing behind", async () => {
		await using forward = await subject.computer.forward(ECHO);
		const before = process.getActiveResourcesInfo().length;
		// busybox' nc listens with a backlog of 1.
		const atOnce = subject.target.shell === "sh" ? 1 : 20;
		for (let round = 0; round < 200; round += atOnce) {
			await Promise.all(
				Array.from({ length: atOnce }, async (_, i) => {
					const socket = await dial(forward.port);
					socket.end(`hello ${i}`);
					expect(await text(socket)).toBe(`hello ${i}`);
				}),
			);
		}
		await expect.poll(() => process.getActiveResourcesInfo().length, { timeout: 5_000 }).toBeLessThanOrEqual(before + 1);
	});
});
