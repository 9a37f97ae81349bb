import { existsSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { SERVING } from "../../packages/computer/src/limits.js";
import { toolsOf } from "../../packages/computer/src/tools/index.js";
import { at, expectGone, MARK, PATIENCE_MS, processesWith, start } from "../cli/command.js";
import { DRIVERS } from "../support/drivers.js";
import { type Connected, connect, ERAS, type Era } from "./client.js";

const open: Connected[] = [];
const [target] = DRIVERS.filter(({ skip }) => skip === undefined).toReversed();

async function connected(argv: readonly string[], era?: Era): Promise<Connected> {
	const made = await connect(argv, era);
	open.push(made);
	return made;
}

afterEach(async () => {
	for (const one of open.splice(0)) await one.close();
});

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		test.each(Object.keys(ERAS) as Era[])("a client of %s works on the computer", { timeout: PATIENCE_MS }, async (era) => {
			await target.open("mcp");
			const { client, stderr } = await connected([...at(target, "mcp"), ...image(target)], era);
			expect(client.getNegotiatedProtocolVersion()).toBe(era);
			const ran = await client.callTool({ name: "Execute", arguments: { command: "cd /tmp; export FRUIT=pear; echo x > ~/a.txt" } });
			expect(ran).toMatchObject({ isError: false, structuredContent: { exitCode: 0 } });
			const again = await client.callTool({ name: "Execute", arguments: { command: 'echo "$PWD $FRUIT"; exit 3' } });
			expect(again).toMatchObject({ isError: false, structuredContent: { exitCode: 3, stdout: "/tmp pear\n" } });
			expect(again.content).toMatchObject([{ type: "text", text: expect.stringContaining("/tmp pear") }]);
			const read = await client.readResource({ uri: "computer://file/home/user/a.txt" });
			expect(read.contents).toEqual([{ uri: "computer://file/home/user/a.txt", mimeType: "text/plain", text: "x\n" }]);
			expect(stderr()).toBe("");
		});
	});
}

describe.skipIf(target === undefined)("the server", () => {
	const flags = target === undefined ? [] : [...at(target, "mcp-one"), ...image(target)];

	test("lists the tools with all that a client may ask of them, always in the same order", async () => {
		const { client } = await connected(flags);
		const { tools } = await client.listTools();
		expect(tools.map(({ name }) => name)).toEqual(toolsOf("full").map(({ name }) => name));
		for (const tool of tools) {
			expect(tool).toMatchObject({
				title: expect.any(String),
				description: expect.stringMatching(/\w{3}/),
				inputSchema: { type: "object" },
				outputSchema: { type: "object" },
				annotations: {
					readOnlyHint: expect.any(Boolean),
					destructiveHint: expect.any(Boolean),
					idempotentHint: expect.any(Boolean),
					openWorldHint: expect.any(Boolean),
				},
			});
		}
		const compact = await connected([...flags, "--profile", "compact"]);
		expect((await compact.client.listTools()).tools.length).toBeLessThanOrEqual(8);
	});

	test("makes no computer before the first call", async () => {
		const name = target?.computerName("mcp-never") ?? "";
		const { client } = await connected(["--name", name, "--driver", target?.driver ?? ""]);
		await client.listTools();
		expect(await client.listResources()).toMatchObject({ resources: [] });
		await client.listPrompts();
		await client.complete({ ref: { type: "ref/prompt", name: "review-file" }, argument: { name: "path", value: "home/" } });
		await client.close();
		const listed = start(["ls", "--json", "--driver", target?.driver ?? ""]);
		listed.process.stdin.end();
		expect((await listed.ended).stdout).not.toContain(name);
	});

	test("tells of progress, a failure and an unknown tool in the protocol's ways", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const { client } = await connected(flags);
		const heard: (string | undefined)[] = [];
		await client.callTool({ name: "Execute", arguments: { command: "true" } }, { onprogress: ({ message }) => heard.push(message) });
		expect(heard.join("\n")).toMatch(/connecting to/);
		expect(await client.callTool({ name: "ReadFile", arguments: { path: "/nowhere" } })).toMatchObject({
			isError: true,
			structuredContent: { error: { code: "not_found" } },
		});
		await expect(client.callTool({ name: "Nonesuch", arguments: {} })).rejects.toMatchObject({ code: -32_602 });
	});

	test("a canceled call ends its command, and the rest goes on", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const { client } = await connected(flags);
		const asked = new AbortController();
		const sleep = `sleep ${MARK}.25`;
		const call = client.callTool({ name: "Execute", arguments: { command: sleep } }, { signal: asked.signal });
		const ended = expect(call).rejects.toThrow();
		await expect.poll(() => processesWith(sleep), { timeout: 20_000 }).toHaveLength(1);
		asked.abort();
		await ended;
		await expectGone(sleep);
		expect(await client.callTool({ name: "Execute", arguments: { command: "echo on" } })).toMatchObject({
			structuredContent: { stdout: "on\n" },
		});
	});

	test("when the input ends, so does the command that was waited for, and the server", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const server = start(["mcp", ...flags]);
		const say = (message: object) => server.process.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
		say({
			id: 1,
			method: "initialize",
			params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
		});
		say({ method: "notifications/initialized" });
		const sleep = `sleep ${MARK}.5`;
		say({ id: 2, method: "tools/call", params: { name: "Execute", arguments: { command: `echo noise; ${sleep}` } } });
		await expect.poll(() => processesWith(sleep), { timeout: 20_000 }).toHaveLength(1);
		server.process.stdin.end();
		const { status, stdout } = await server.ended;
		expect(status).toBe(0);
		await expectGone(sleep);
		// Nothing but messages of the protocol, one on each line.
		for (const line of stdout.trimEnd().split("\n")) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
		expect(existsSync(`/proc/${server.process.pid}`)).toBe(false);
	});

	test("what is no protocol does not end it", async () => {
		const server = start(["mcp", ...flags]);
		const random = fc.sample(fc.json(), 200).map((json) => json.replaceAll("\n", " "));
		for (const line of [
			...random,
			"",
			"not json",
			"{}",
			"[]",
			"null",
			'{"jsonrpc":"2.0"}',
			'{"jsonrpc":"2.0","id":7,"method":"no/such"}',
			"\u0000\ufffd",
		]) {
			server.process.stdin.write(`${line}\n`);
		}
		const meta = {
			"io.modelcontextprotocol/protocolVersion": "2026-07-28",
			"io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
			"io.modelcontextprotocol/clientCapabilities": {},
		};
		server.process.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/list", params: { _meta: meta } })}\n`);
		await server.says('"id":9');
		server.process.stdin.end();
		const { status, stdout } = await server.ended;
		expect(status).toBe(0);
		for (const line of stdout.trimEnd().split("\n")) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
	});

	test("a message that is too long ends it, with a reason", async () => {
		const server = start(["mcp", ...flags]);
		server.process.stdin.write(`{"jsonrpc":"2.0","id":1,"method":"${"x".repeat(SERVING.requestBytes)}"}\n`);
		const { status, stderr, stdout } = await server.ended;
		expect({ status, stderr, stdout }).toEqual({
			status: 1,
			stderr: expect.stringMatching(/^error: the client can not .* size/),
			stdout: "",
		});
	});

	test.each(Object.keys(ERAS) as Era[])("a client of %s hears that there are resources", { timeout: PATIENCE_MS }, async (era) => {
		await target?.open("mcp-one");
		const { client } = await connected(flags, era);
		const heard = new Promise<string>((resolve) =>
			client.setNotificationHandler("notifications/resources/list_changed", () => resolve("heard")),
		);
		if (era === "2026-07-28") await client.listen({ resourcesListChanged: true });
		await client.callTool({ name: "Execute", arguments: { command: "true" } });
		expect(await heard).toBe("heard");
	});

	test("files and logs are resources, with completion of their names", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const { client } = await connected(flags);
		const command = "mkdir -p ~/some; printf '\\211PNG' > ~/some/dot.png; echo '{}' > ~/b.json; echo out; echo err >&2";
		const { structuredContent } = await client.callTool({ name: "Execute", arguments: { command } });
		const { job } = structuredContent as { job: string };
		const { resources } = await client.listResources();
		expect(resources).toContainEqual(
			expect.objectContaining({ uri: "computer://file/home/user/b.json", mimeType: "application/json", size: 3 }),
		);
		expect(resources).toContainEqual(expect.objectContaining({ uri: `computer://job/${job}/stderr`, mimeType: "text/plain" }));
		expect((await client.readResource({ uri: `computer://job/${job}/stderr` })).contents).toMatchObject([{ text: "err\n" }]);
		expect((await client.readResource({ uri: "computer://file/home/user/some/dot.png" })).contents).toMatchObject([
			{ mimeType: "image/png", blob: Buffer.from("\x89PNG", "latin1").toString("base64") },
		]);
		for (const uri of [
			"computer://file/nowhere",
			"computer://job/999999/stdout",
			"computer://job/1/stdin",
			"file:///etc/passwd",
			"computer://file/%ff",
		]) {
			await expect(client.readResource({ uri }), uri).rejects.toMatchObject({ code: -32_602 });
		}
		await client.callTool({ name: "Execute", arguments: { command: "truncate -s 3M ~/big" } });
		await expect(client.readResource({ uri: "computer://file/~/big" })).rejects.toThrow(/more than 1048576 bytes.*ReadFile/);
		const { resourceTemplates } = await client.listResourceTemplates();
		const [file, log] = resourceTemplates.map(({ uriTemplate }) => uriTemplate);
		const offered = async (uri: string | undefined, name: string, value: string) =>
			(await client.complete({ ref: { type: "ref/resource", uri: uri ?? "" }, argument: { name, value } })).completion.values;
		expect(await offered(file, "path", "home/user/so")).toEqual(["home/user/some/"]);
		expect(await offered(file, "path", "no/such/")).toEqual([]);
		expect(await offered(log, "id", job)).toContain(job);
		expect(await offered(log, "stream", "stde")).toEqual(["stderr"]);
		const ofPrompt = async (name: string, argument: string, value: string) =>
			(await client.complete({ ref: { type: "ref/prompt", name }, argument: { name: argument, value } })).completion.values;
		expect(await ofPrompt("look-into-job", "job", job)).toContain(job);
		expect(await ofPrompt("review-file", "path", "home/user/some/")).toEqual(["home/user/some/dot.png"]);
		expect(await ofPrompt("do-task", "task", "a")).toEqual([]);
	});

	test("what runs longer goes on as a job, which Wait takes from there", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const { client } = await connected([...flags, "--timeout", "1"]);
		const { isError, structuredContent } = await client.callTool({
			name: "Execute",
			arguments: { command: "echo part; sleep 3; echo whole" },
		});
		expect({ isError, structuredContent }).toMatchObject({ isError: false, structuredContent: { running: true, stdout: "part\n" } });
		const { job } = structuredContent as { job: string };
		const waited = await client.callTool({ name: "Wait", arguments: { job } });
		expect(waited).toMatchObject({ isError: false, structuredContent: { running: false, exitCode: 0 } });
		expect((await client.readResource({ uri: `computer://job/${job}/stdout` })).contents).toMatchObject([{ text: "part\nwhole\n" }]);
		// A name that is known no more is told, not guessed.
		await expect(client.readResource({ uri: "computer://job/nonesuch/stdout" })).rejects.toMatchObject({ code: -32_602 });
	});

	test("many calls at once get each its own answer, and links lead to what they made", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const { client } = await connected(flags);
		const made = await Promise.all(
			Array.from({ length: 20 }, (_, n) =>
				client.callTool({ name: "WriteFile", arguments: { path: `~/many/ü ${n}#.txt`, content: `${n}\n` } }),
			),
		);
		const links = made.map(({ content }) => content.find((one) => one.type === "resource_link")?.uri ?? "");
		const read = await Promise.all(links.map((uri) => client.readResource({ uri })));
		expect(read.map(({ contents }) => (contents[0] as { text: string }).text)).toEqual(made.map((_, n) => `${n}\n`));
	});

	test("a long output is cut to what a client takes, and a link leads to the rest", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const { client } = await connected(flags);
		const result = await client.callTool({ name: "Execute", arguments: { command: "seq 60000; seq 60000 >&2" } });
		expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(20_480);
		const links = result.content.filter((one) => one.type === "resource_link");
		expect(links.map(({ uri }) => uri)).toEqual([expect.stringMatching(/job\/\w+\/stdout$/), expect.stringMatching(/job\/\w+\/stderr$/)]);
		const { contents } = await client.readResource({ uri: links[0]?.uri ?? "" });
		expect((contents[0] as { text: string }).text.split("\n")).toHaveLength(60_001);
		const asked = await connected([...flags, "--max-output", "64k"]);
		const more = await asked.client.callTool({ name: "Execute", arguments: { command: "seq 60000" } });
		expect(Buffer.byteLength(JSON.stringify(more))).toBeGreaterThan(20_480);
	});

	test("a server that is killed leaves no command behind", { timeout: PATIENCE_MS }, async () => {
		await target?.open("mcp-one");
		const { client, pid } = await connected(flags);
		const sleep = `sleep ${MARK}.75`;
		const call = client.callTool({ name: "Execute", arguments: { command: sleep } }).catch(() => "gone");
		await expect.poll(() => processesWith(sleep), { timeout: 20_000 }).toHaveLength(1);
		process.kill(pid, "SIGKILL");
		expect(await call).toBe("gone");
		await expectGone(sleep);
	});

	test("prompts are filled in", async () => {
		const { client } = await connected(flags);
		const { prompts } = await client.listPrompts();
		expect(prompts.map(({ name }) => name)).toEqual(["do-task", "look-into-job", "review-file"]);
		const { messages } = await client.getPrompt({ name: "do-task", arguments: { task: "count the stars" } });
		expect(messages).toMatchObject([{ role: "user", content: { type: "text", text: expect.stringContaining("count the stars") } }]);
		for (const [path, shown] of [
			["home/user/a.txt", "Read /home/user/a.txt on"],
			["~/a.txt", "Read ~/a.txt on"],
		] as const) {
			const { messages: review } = await client.getPrompt({ name: "review-file", arguments: { path } });
			expect(review).toMatchObject([{ content: { text: expect.stringContaining(shown) } }]);
		}
		await expect(client.getPrompt({ name: "do-task", arguments: {} })).rejects.toMatchObject({ code: -32_602 });
		await expect(client.getPrompt({ name: "nonesuch" })).rejects.toMatchObject({ code: -32_602 });
	});
});

function image({ options }: (typeof DRIVERS)[number]): string[] {
	return options.image === undefined ? [] : ["--image", options.image];
}
