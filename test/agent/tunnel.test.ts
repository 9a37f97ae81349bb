/** Forwards through the agent itself, as a plain process. What a driver adds is conformance's. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { AgentLink } from "../../packages/computer/src/agent/link.js";
import { Forwards } from "../../packages/computer/src/agent/tunnel.js";
import { TunnelDecoder } from "../../packages/computer/src/agent/tunnel-stream.js";
import { NO_AGENT, type RealAgent, startAgent } from "./guest.js";

function dial(port: number): Promise<net.Socket> {
	return new Promise((resolve, reject) => {
		const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => resolve(socket));
		socket.once("error", reject);
	});
}

describe.skipIf(NO_AGENT !== undefined)(`through the real agent${NO_AGENT === undefined ? "" : ` (skipped: ${NO_AGENT})`}`, () => {
	let agent: RealAgent;
	let link: AgentLink;
	let forwards: Forwards;

	beforeAll(async () => {
		agent = await startAgent();
		link = new AgentLink({ connect: async (begin) => begin(await agent.connect()) });
		forwards = new Forwards(link);
	});
	afterAll(async () => {
		link.close();
		await forwards.close();
		await agent.stop();
	});

	/** A forward to a program of ours. */
	async function program(serve: (socket: net.Socket) => void): Promise<number> {
		const server = net.createServer({ allowHalfOpen: true }, (socket) => serve(socket.on("error", () => {})));
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		onTestFinished(() => void server.close());
		return (await forwards.open((server.address() as AddressInfo).port, {})).port;
	}

	test("both sides end apart, whole", async () => {
		const port = await program((socket) => socket.pipe(socket));
		for (const size of [0, 1, 70_000, 16 * 1024 * 1024]) {
			const bytes = randomBytes(size);
			const socket = await dial(port);
			socket.end(bytes);
			expect(Buffer.compare(await buffer(socket), bytes), `${size} bytes`).toBe(0);
		}
	});

	test("the program ends first and hears on", async () => {
		const heard = new Promise<string>((resolve) => {
			void program((socket) => {
				socket.end("bye");
				void text(socket).then(resolve);
			}).then(async (port) => {
				const socket = await dial(port);
				// Not by iterating: that destroys the socket at the end.
				let got = "";
				socket.on("data", (chunk) => (got += chunk));
				await new Promise((resolve) => socket.once("end", resolve));
				expect(got).toBe("bye");
				socket.end("still here");
			});
		});
		expect(await heard).toBe("still here");
	});

	test("300 connections, 30 at once", async () => {
		const port = await program((socket) => socket.pipe(socket));
		for (let round = 0; round < 10; round++) {
			await Promise.all(
				Array.from({ length: 30 }, async (_, i) => {
					const socket = await dial(port);
					socket.end(`hello ${i}`);
					expect(await text(socket)).toBe(`hello ${i}`);
				}),
			);
		}
	});

	test("a program that resets is a reset for the client, not an end", async () => {
		const port = await program((socket) => {
			socket.write("half", () => setTimeout(() => socket.resetAndDestroy(), 50));
		});
		await expect(text(await dial(port))).rejects.toMatchObject({ code: "ECONNRESET" });
	});

	test("nothing listens: the first fetch of a process fails, however long it takes to get ready", async () => {
		const server = net.createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const guestPort = (server.address() as AddressInfo).port;
		await new Promise((resolve) => server.close(resolve));
		const { port } = await forwards.open(guestPort, {});
		// A thread has a fetch of its own, which has not yet loaded its parser.
		const client = new Worker(
			`const { compile } = WebAssembly;
			WebAssembly.compile = async (bytes) => {
				await new Promise((resolve) => setTimeout(resolve, 100));
				return compile(bytes);
			};
			fetch("http://127.0.0.1:${port}").catch(({ cause }) => require("node:worker_threads").parentPort.postMessage(cause.code));`,
			{ eval: true },
		);
		onTestFinished(async () => void (await client.terminate()));
		expect(await once(client, "message")).toEqual(["ECONNRESET"]);
	});

	test("a client that resets is a reset for the program", async () => {
		const ended = new Promise<NodeJS.ErrnoException>((resolve) => {
			void program((socket) => socket.resume().on("error", resolve)).then(async (port) => {
				const socket = await dial(port);
				socket.write("half", () => setTimeout(() => socket.resetAndDestroy(), 50));
			});
		});
		expect(await ended).toMatchObject({ code: "ECONNRESET" });
	});

	test("a forward that is closed in the middle resets: half is not taken for the whole", async () => {
		const server = net.createServer((socket) => socket.on("error", () => {}).write("half")).listen(0, "127.0.0.1");
		await once(server, "listening");
		onTestFinished(() => void server.close());
		const forward = await forwards.open((server.address() as AddressInfo).port, {});
		const socket = await dial(forward.port);
		await new Promise((resolve) => socket.once("data", resolve));
		const broken = new Promise((resolve) => socket.once("error", resolve).once("end", () => resolve("taken for the whole")));
		await forward.close();
		expect(await broken).toMatchObject({ code: "ECONNRESET" });
	});

	test("a lost connection to the agent resets, and the next client makes it anew", async () => {
		const port = await program((socket) => socket.pipe(socket));
		const socket = await dial(port);
		socket.write("x");
		await new Promise((resolve) => socket.once("data", resolve));
		const broken = new Promise((resolve) => socket.once("error", resolve));
		link.drop();
		expect(await broken).toMatchObject({ code: "ECONNRESET" });
		const next = await dial(port);
		next.end("again");
		expect(await text(next)).toBe("again");
	});
});

describe("the decoder", () => {
	const frame = (bytes: Uint8Array) => {
		const header = Buffer.alloc(4);
		header.writeUInt32BE(bytes.length);
		return Buffer.concat([header, bytes]);
	};
	const END = Buffer.alloc(4);

	test("gives the same bytes however they are cut", () => {
		fc.assert(
			fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })), fc.array(fc.integer({ min: 1, max: 20 })), (parts, cuts) => {
				const wire = Buffer.concat([...parts.map(frame), END]);
				const decoder = new TunnelDecoder();
				const got: Buffer[] = [];
				for (let at = 0, cut = 0; at < wire.length; cut++) {
					const size = cuts[cut] ?? wire.length;
					got.push(...decoder.push(wire.subarray(at, at + size)));
					at += size;
				}
				expect(Buffer.concat(got)).toEqual(Buffer.concat(parts));
				expect(decoder.ended).toBe(true);
			}),
		);
	});

	test("any bytes: pieces of them or a protocol_error, never more", () => {
		fc.assert(
			fc.property(fc.array(fc.uint8Array()), (chunks) => {
				const decoder = new TunnelDecoder();
				let bytes = 0;
				try {
					for (const chunk of chunks) for (const part of decoder.push(Buffer.from(chunk))) bytes += part.length;
				} catch (error) {
					expect(error).toMatchObject({ code: "protocol_error" });
				}
				expect(bytes).toBeLessThanOrEqual(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
			}),
		);
	});

	test("refuses a part that is too large, and bytes after the end", () => {
		expect(() => [...new TunnelDecoder().push(Buffer.from([0, 16, 0, 1]))]).toThrow(/at most 1048576/);
		expect(() => [...new TunnelDecoder().push(Buffer.concat([END, END]))]).toThrow(/nothing after the end/);
	});
});
