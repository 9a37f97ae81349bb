import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, expect, test } from "vitest";
import { EngineApi } from "../../packages/computer/src/drivers/engine/api.js";
import { Authority } from "../../packages/computer/src/egress/authority.js";

const directory = mkdtempSync(join(tmpdir(), "lms-engine-http-"));
const servers: (Server | https.Server)[] = [];

afterEach(() => {
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		server.close();
	}
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Something that listens where an engine would. */
async function serve(listener: RequestListener): Promise<{ api: EngineApi; server: Server }> {
	const path = join(mkdtempSync(join(directory, "s-")), "engine.sock");
	const server = createServer(listener);
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(path, resolve));
	return { api: new EngineApi({ kind: "socket", path }), server };
}

test("options go into the query, as JSON where they are more than text, and what is undefined stays out", async () => {
	const seen: string[] = [];
	const { api } = await serve((request, response) => {
		seen.push(`${request.method} ${request.url}`);
		response.end("[]");
	});
	await api.listContainers({ all: true, filters: { label: ["a=1&b"] }, size: undefined, abortSignal: new AbortController().signal });
	expect(seen).toEqual([`GET /containers/json?all=true&filters=${encodeURIComponent('{"label":["a=1&b"]}')}`]);
});

test("a new container's name goes into the query, its settings into the body", async () => {
	let seen = "";
	const { api } = await serve(async (request, response) => {
		seen = `${request.method} ${request.url} ${request.headers["content-type"]} ${await text(request)}`;
		response.writeHead(201).end('{"Id":"abc","Warnings":[]}');
	});
	expect(await api.createContainer({ name: "box", Image: "i" })).toEqual({ id: "abc" });
	expect(seen).toBe('POST /containers/create?name=box application/json {"Image":"i"}');
});

test("a refusal carries the engine's status and words", async () => {
	const { api } = await serve((_, response) => response.writeHead(409, { "content-type": "application/json" }).end('{"message":"in use"}'));
	const refusal = api.getContainer("abc").remove({ force: true });
	await expect(refusal).rejects.toMatchObject({
		statusCode: 409,
		json: { message: "in use" },
		message: expect.stringContaining("DELETE /containers/abc"),
	});
});

test("an answer without a body is none, one that is cut short or no JSON is an error", async () => {
	const { api } = await serve((request, response) => {
		if (request.url?.endsWith("start")) return response.writeHead(204).end();
		if (request.url?.endsWith("json")) return response.end("<html>");
		response.writeHead(200, { "content-length": "100" }).write("[");
		setImmediate(() => response.destroy());
	});
	expect(await api.getContainer("a").start()).toBeUndefined();
	await expect(api.getContainer("a").inspect()).rejects.toThrow();
	await expect(api.getImage("a").history()).rejects.toThrow();
});

test("an archive is sent as it comes, and one that breaks ends the request", async () => {
	let bytes = 0;
	const { api } = await serve((request, response) => {
		request.on("data", (chunk: Buffer) => (bytes += chunk.length));
		request.on("end", () => response.end());
	});
	const parts = Array.from({ length: 40 }, () => Buffer.alloc(65536));
	await api.getContainer("a").putArchive(Readable.from(parts), { path: "/" });
	expect(bytes).toBe(40 * 65536);
	const broken = Readable.from(
		(async function* () {
			yield Buffer.alloc(10);
			throw new Error("the disk is gone");
		})(),
	);
	await expect(api.getContainer("a").putArchive(broken, { path: "/" })).rejects.toThrow("the disk is gone");
});

test("an abort ends a request that is not answered, and one whose answer does not end", async () => {
	const { api } = await serve((request, response) => {
		if (request.url?.includes("logs")) response.write("begun");
	});
	for (const call of [
		(signal: AbortSignal) => api.getContainer("a").inspect({ abortSignal: signal }),
		(signal: AbortSignal) => api.getContainer("a").logs({ abortSignal: signal }),
	]) {
		const controller = new AbortController();
		const pending = call(controller.signal);
		setTimeout(() => controller.abort(), 20);
		await expect(pending).rejects.toThrow();
	}
});

test("a switched connection carries both ways, what came with the answer included", async () => {
	const { api, server } = await serve((_, response) => response.writeHead(500).end());
	server.on("upgrade", (_, socket) => {
		socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ");
		socket.on("data", (chunk) => socket.end(`heard ${chunk}`));
	});
	const stream = await api.upgrade("/exec/1/start", { Detach: false }, {});
	stream.write("words");
	expect(await text(stream)).toBe("first heard words");
});

test("an engine that does not switch is an error with its words", async () => {
	const { api } = await serve((_, response) => response.writeHead(409).end('{"message":"is not running"}'));
	await expect(api.upgrade("/exec/1/start", {}, {})).rejects.toMatchObject({ statusCode: 409, json: { message: "is not running" } });
});

test("a hundred requests at once each have a connection, and none waits for another", async () => {
	let waiting: (() => void)[] = [];
	const { api } = await serve((_, response) => {
		waiting.push(() => response.end("[]"));
		// None is answered before all are there.
		if (waiting.length === 100) for (const answer of waiting.splice(0)) answer();
	});
	const answers = await Promise.all(Array.from({ length: 100 }, () => api.listImages()));
	expect(answers.length).toBe(100);
	waiting = [];
});

test("an engine over TLS is known by its certificate, whose name is the host's", async () => {
	const authority = await Authority.open(join(directory, "authority.pem"));
	let host: string | undefined;
	const server = https.createServer(
		{
			SNICallback: (name, done) => authority.contextFor(name).then((context) => done(null, context), done),
		},
		(request, response) => {
			host = request.headers.host;
			response.end("[]");
		},
	);
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
	const { port } = server.address() as AddressInfo;
	const api = (ca?: string) =>
		new EngineApi({ kind: "tcp", host: "localhost", port, tls: { rejectUnauthorized: true, ...(ca && { ca: Buffer.from(ca) }) } });
	expect(await api(authority.certificate).listImages()).toEqual([]);
	expect(host).toBe(`localhost:${port}`);
	await expect(api().listImages()).rejects.toThrow(/self.signed|unable to/);
});
