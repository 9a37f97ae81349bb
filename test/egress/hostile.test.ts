import type { ServerHttp2Stream } from "node:http2";
import { expect, test } from "vitest";
import { carryEgress, type Wanted } from "../../packages/computer/src/agent/egress.js";
import { Gateway } from "../../packages/computer/src/egress/gateway.js";
import { PRESETS, presetRules } from "../../packages/computer/src/egress/presets.js";
import { expectRules } from "../../packages/computer/src/egress/rules.js";
import { fakeGuest } from "../agent/guest.js";

/** A guest whose carrier request gets these bytes. */
async function announce(bytes: (stream: ServerHttp2Stream) => void, serve: (wanted: Wanted) => void) {
	const said: string[] = [];
	let close: (code: number) => void = () => {};
	const closed = new Promise<number>((resolve) => {
		close = resolve;
	});
	const guest = fakeGuest((stream) => {
		stream.respond({ ":status": 200 });
		stream.on("data", (chunk) => said.push(String(chunk)));
		stream.once("close", () => close(stream.rstCode ?? 0));
		bytes(stream);
	});
	await carryEgress(await guest.connection(), serve, () => {});
	return { said, closed };
}

test.each([
	["no JSON", "hello\n"],
	["a line without end", `{"id":"1","via":"connect","host":"${"a".repeat(100_000)}`],
	["an id that is a path", '{"id":"../commands","via":"connect","host":"a","port":1}\n'],
	["another way in", '{"id":"1","via":"tunnel","host":"a","port":1}\n'],
	["no port", '{"id":"1","via":"connect","host":"a"}\n'],
])("an announcement with %s ends the carrying, and nothing else", async (_, text) => {
	const served: Wanted[] = [];
	const { closed } = await announce(
		(stream) => stream.write(text),
		(wanted) => served.push(wanted),
	);
	expect(await closed).not.toBe(0);
	expect(served).toEqual([]);
});

test("a flood of connections is bounded, and the rest is refused", async () => {
	let dialed = 0;
	const gateway = new Gateway({
		computer: "box",
		policy: async () => ({ rules: expectRules("rules", ["*"]), secrets: [] }),
		authority: async () => Promise.reject(new Error("none")),
		onDecision: () => {},
		lookup: () => {
			dialed++;
			return new Promise(() => {});
		},
	});
	const count = 2000;
	const lines = Array.from({ length: count }, (_, id) => `{"id":"${id}","via":"connect","host":"site.test","port":443}\n`).join("");
	const { said } = await announce(
		(stream) => stream.write(lines),
		(wanted) => gateway.serve(wanted),
	);
	await expect.poll(() => said.join("").match(/"refuse"/g)?.length).toBe(count - 256);
	expect(dialed).toBe(256);
	gateway.close();
});

test("what a package manager's configuration says becomes rules for hosts, and nothing else does", async () => {
	const odd =
		"https://[::1]/ https://127.0.0.1:22/ http://10.0.0.1 https://0x7f.1/ http://localhost:631/ http://host.lms-computer.internal:1234/ https://a_.b-/ ftp://x/";
	const guest = async () => `deb [signed-by=/x] http://user:word@Mirror.example.org:8080/debian stable main\n${odd}`;
	const host = async () => "URIs: https://other.example/x http://localhost:3141/root/pypi";
	expect(await presetRules("apt", guest, host)).toEqual(["mirror.example.org:8080", "other.example:443", "localhost:3141"]);
	const fails = () => Promise.reject(new Error("no answer"));
	expect(await presetRules("apt", guest, fails)).toEqual(["mirror.example.org:8080"]);
	// It may have a mirror of its own: what this host alone says would be kept for good.
	await expect(presetRules("apt", fails, host)).rejects.toThrow("no answer");
	const flood = Array.from({ length: 1000 }, (_, index) => `https://h${index}.example/`).join("\n");
	expect(
		await presetRules(
			"npm",
			async () => flood,
			async () => "",
		),
	).toHaveLength(20);
	for (const [word, preset] of Object.entries(PRESETS)) expect(() => expectRules(word, preset.rules ?? [])).not.toThrow();
});
