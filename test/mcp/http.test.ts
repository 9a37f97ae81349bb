import { once } from "node:events";
import http from "node:http";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { SERVING } from "../../packages/computer/src/limits.js";
import { at, expectGone, MARK, PATIENCE_MS, processesWith } from "../cli/command.js";
import { DRIVERS } from "../support/drivers.js";
import { ERAS, type Era } from "./client.js";
import { type Door, doorTo } from "./conformance/door.js";
import { CONFORMANCE, INSPECTOR, NO_PROGRAMS, runProgram } from "./programs.js";
import { type Serving, serve, TOKEN } from "./serving.js";

const [target] = DRIVERS.filter(({ skip }) => skip === undefined).toReversed();
const initialize = (id: number) =>
	JSON.stringify({
		jsonrpc: "2.0",
		id,
		method: "initialize",
		params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
	});
const discover = (id: number) =>
	JSON.stringify({
		jsonrpc: "2.0",
		id,
		method: "server/discover",
		params: {
			_meta: {
				"io.modelcontextprotocol/protocolVersion": "2026-07-28",
				"io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
				"io.modelcontextprotocol/clientCapabilities": {},
			},
		},
	});
const MODERN = { "mcp-protocol-version": "2026-07-28", "mcp-method": "server/discover" };
const GOOD = { authorization: `Bearer ${TOKEN}`, accept: "application/json, text/event-stream" };

let server: Serving;

describe.skipIf(target === undefined)("the server over HTTP", () => {
	beforeAll(async () => {
		if (target === undefined) return;
		await target.open("http");
		server = await serve([...at(target, "http"), ...(target.options.image === undefined ? [] : ["--image", target.options.image])]);
	});
	afterAll(async () => {
		const { status, stderr } = await server.stop();
		expect(status).toBe(143);
		expect(stderr).toMatch(/^lms-computer: every request needs the header .* LMS_COMPUTER_TOKEN\n$/);
	});

	describe("lets nobody in who is not of this host or has no token", () => {
		const evil = "http://evil.example";
		test.each([
			["no token", {}, 401],
			["a wrong token", { authorization: "Bearer 0123456789abcdef" }, 401],
			["a token that begins like the right one", { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401],
			["another kind of token", { authorization: `Basic ${TOKEN}` }, 401],
			["another Host", { ...GOOD, host: "evil.example" }, 403],
			["another Host that ends like ours", { ...GOOD, host: "localhost.evil.example" }, 403],
			["another Origin", { ...GOOD, origin: evil }, 403],
			["an Origin that is none", { ...GOOD, origin: "null" }, 403],
			["an Origin that ends like ours", { ...GOOD, origin: "http://localhost.evil.example" }, 403],
			["a page of another site, without an Origin", { ...GOOD, "sec-fetch-site": "cross-site" }, 403],
			["a form of another site", { ...GOOD, origin: evil, "content-type": "text/plain", "sec-fetch-site": "cross-site" }, 403],
			["another Host, and no token", { host: "evil.example" }, 403],
		])("%s", async (_, headers, status) => {
			const answer = await server.send({ headers: headers as Record<string, string>, body: initialize(1) });
			expect(answer.status).toBe(status);
			expect(answer.text).not.toContain(TOKEN);
			expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
			if (status === 401) expect(answer.headers["www-authenticate"]).toBe("Bearer");
		});

		test.each(["localhost", "127.0.0.1:1", "[::1]:80", "LOCALHOST"])("but %s is this host", async (host) => {
			expect((await server.send({ headers: { ...GOOD, host, origin: "http://localhost:3000" }, body: initialize(1) })).status).toBe(200);
		});
	});

	test("what is no request of the protocol is refused, and nothing more", async () => {
		const status = async (sent: Parameters<Serving["send"]>[0]) =>
			(await server.send({ ...sent, headers: { ...GOOD, ...sent.headers } })).status;
		expect(await status({ path: "/" })).toBe(404);
		expect(await status({ path: "/mcp/../etc" })).toBe(404);
		expect(await status({ body: "not json" })).toBe(400);
		expect(await status({ body: "[]" })).toBe(400);
		expect(await status({ body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }) })).toBe(400);
		expect(await status({ method: "GET", headers: { "mcp-session-id": "nonesuch" } })).toBe(404);
		expect(await status({ method: "PUT" })).toBeGreaterThanOrEqual(400);
		expect(await status({ headers: { "content-length": String(64 * 1024 * 1024) }, body: "" }).catch(() => 413)).toBe(413);
		// What a form of a page can send is no JSON.
		for (const body of [initialize(1), discover(1)]) {
			for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
				expect(await status({ body, headers: { ...MODERN, "content-type": type } })).toBe(415);
			}
		}
		expect(await status({ body: initialize(1) })).toBe(200);
		expect(await status({ body: discover(1), headers: MODERN })).toBe(200);
	});

	test("sessions end by their client's word, and the idlest when there are too many", async () => {
		const begin = async () => String((await server.send({ headers: GOOD, body: initialize(1) })).headers["mcp-session-id"]);
		const ping = async (id: string) => {
			const headers = { ...GOOD, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" };
			return (await server.send({ headers, body: JSON.stringify({ jsonrpc: "2.0", id: 2, method: "ping" }) })).status;
		};
		const [first, second] = [await begin(), await begin()];
		expect(first).not.toBe(second);
		expect(await ping(first)).toBe(200);
		expect((await server.send({ method: "DELETE", headers: { ...GOOD, "mcp-session-id": first } })).status).toBe(200);
		expect(await ping(first)).toBe(404);
		expect(await ping(second)).toBe(200);
		for (let count = 0; count < SERVING.sessions; count++) await begin();
		expect(await ping(second)).toBe(404);
		expect(await ping(await begin())).toBe(200);
	});

	test("sessions are bounded when many begin at once, and a newcomer gets in when all are in use", async () => {
		const begin = async () => String((await server.send({ headers: GOOD, body: initialize(1) })).headers["mcp-session-id"]);
		const asSession = (id: string) => ({ ...GOOD, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" });
		const ping = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "ping" });
		const lives = async (id: string) => (await server.send({ headers: asSession(id), body: ping })).status === 200;
		const ids = await Promise.all(Array.from({ length: 2 * SERVING.sessions }, begin));
		const living = await Promise.all(ids.map(lives));
		const left = ids.filter((_, index) => living[index]);
		expect(left).toHaveLength(SERVING.sessions);
		// Whose clients left without a word: a stream of each is held, and nobody comes to end it.
		const ended = vi.fn();
		const streams = left.map((id) => http.get(server.url, { headers: asSession(id) }).on("error", () => {}));
		for (const stream of streams) stream.once("response", (answer) => answer.resume()).once("close", ended);
		await Promise.all(streams.map((stream) => once(stream, "finish")));
		expect(await lives(left.at(-1) as string)).toBe(true);
		expect(await lives(await begin())).toBe(true);
		await expect.poll(() => ended.mock.calls.length).toBe(1);
		for (const stream of streams) stream.destroy();
	});

	test.each(Object.keys(ERAS) as Era[])(
		"a client of %s works on the computer, and one that goes ends its command",
		{ timeout: PATIENCE_MS },
		async (era) => {
			const client = await server.connect(era);
			expect(client.getNegotiatedProtocolVersion()).toBe(era);
			const heard: unknown[] = [];
			// Longer than a client that asked for progress is left without a word; once is enough.
			const command = `cd /tmp; export ERA=${era}; sleep ${era === "2026-07-28" ? 6 : 0}; echo "$PWD $ERA"`;
			const ran = await client.callTool({ name: "Execute", arguments: { command } }, { onprogress: (progress) => heard.push(progress) });
			expect(ran).toMatchObject({ isError: false, structuredContent: { exitCode: 0, stdout: `/tmp ${era}\n` } });
			if (era === "2026-07-28") expect(heard).toContainEqual(expect.objectContaining({ message: expect.stringMatching(/, \d+ s$/) }));
			const sleep = `sleep ${MARK}.${era.slice(0, 4)}`;
			const call = client.callTool({ name: "Execute", arguments: { command: sleep } }).catch(() => "gone");
			await expect.poll(() => processesWith(sleep), { timeout: 20_000 }).toHaveLength(1);
			await client.close();
			expect(await call).toBe("gone");
			await expectGone(sleep);
		},
	);

	test("two clients share the computer, and a call that is canceled ends its own command alone", { timeout: PATIENCE_MS }, async () => {
		const [one, other] = await Promise.all([server.connect(), server.connect("2026-07-28")]);
		const sleep = `sleep ${MARK}.77`;
		const asked = new AbortController();
		const call = one.callTool({ name: "Execute", arguments: { command: sleep } }, { signal: asked.signal }).catch(() => "canceled");
		await expect.poll(() => processesWith(sleep), { timeout: 20_000 }).toHaveLength(1);
		await other.callTool({ name: "WriteFile", arguments: { path: "~/shared.txt", content: "from the other\n" } });
		asked.abort();
		expect(await call).toBe("canceled");
		await expectGone(sleep);
		expect((await one.readResource({ uri: "computer://file/~/shared.txt" })).contents).toMatchObject([{ text: "from the other\n" }]);
		await Promise.all([one.close(), other.close()]);
	});

	describe.skipIf(NO_PROGRAMS !== undefined)(`with programs of others${NO_PROGRAMS ? ` (skipped: ${NO_PROGRAMS})` : ""}`, () => {
		let door: Door;
		beforeAll(async () => {
			door = await doorTo(server.url, TOKEN);
		});
		afterAll(() => door.close());

		test.each(["server-initialize", "ping", "tools-list", "dns-rebinding-protection"])("conformance: %s", async (scenario) => {
			const { status, stdout } = await runProgram(CONFORMANCE, ["server", "--url", door.url, "--scenario", scenario]);
			expect(status, stdout).toBe(0);
			expect(stdout).toMatch(/[1-9]\d* passed, 0 failed|Passed: (\d+)\/\1/i);
		});

		test("the Inspector finds no fault in the tools, and calls one", { timeout: PATIENCE_MS }, async () => {
			const how = ["--cli", server.url, "--transport", "http", "--header", `Authorization: Bearer ${TOKEN}`];
			const listed = await runProgram(INSPECTOR, [...how, "--method", "tools/list", "--strict"]);
			expect(listed).toMatchObject({ status: 0, stderr: "" });
			const { tools } = JSON.parse(listed.stdout) as { tools: readonly { name: string }[] };
			expect(tools.map(({ name }) => name)).toContain("Execute");
			const call = ["--method", "tools/call", "--tool-name", "Execute", "--tool-arg", "command=echo inspected"];
			const called = await runProgram(INSPECTOR, [...how, ...call]);
			expect(JSON.parse(called.stdout), called.stderr).toMatchObject({ isError: false, structuredContent: { stdout: "inspected\n" } });
		});
	});
});
