import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOCAL_HOSTS } from "../../packages/computer/src/http/guard.js";
import { type HttpServer, serveHttp } from "../../packages/computer/src/http/server.js";
import { McpEndpoint } from "../../packages/computer/src/mcp/endpoint.js";
import { fromRoot } from "../support/repository.js";
import { type Door, doorTo } from "./conformance/door.js";
import { conformanceServer } from "./conformance/server.js";
import { CONFORMANCE, CONFORMANCE_NEXT, NO_PROGRAMS, type Output, runProgram } from "./programs.js";

const TOKEN = "conformance-token-of-the-test";
const MINUTE_MS = 60_000;

let server: HttpServer;
let door: Door;
let endpoint: McpEndpoint;

beforeAll(async () => {
	const make = () => conformanceServer(() => endpoint.notify);
	endpoint = new McpEndpoint({ serve: make, openSession: () => ({ server: make(), close: async () => {} }), onError: () => {} });
	const options = { address: "127.0.0.1", port: 0, token: TOKEN, hosts: LOCAL_HOSTS, onError: () => {} };
	server = await serveHttp({ ...options, routes: { "/mcp": endpoint.handle } });
	door = await doorTo(`${server.origin}/mcp`, TOKEN);
});

afterAll(async () => {
	await door.close();
	await server.close();
	await endpoint.close();
});

describe.skipIf(NO_PROGRAMS !== undefined)(`every scenario passes${NO_PROGRAMS ? ` (skipped: ${NO_PROGRAMS})` : ""}`, () => {
	test("of the released suite", { timeout: MINUTE_MS }, async () => {
		const output = await conformance(CONFORMANCE, []);
		expectAll(
			output,
			[...output.stdout.matchAll(/^=== Running scenario: (\S+) ===$/gm)].map(([, name = ""]) => name),
			30,
		);
	});

	test.each([
		["2025-11-25", 30],
		["2026-07-28", 37],
	])("that %s requires", { timeout: MINUTE_MS }, async (revision, count) => {
		const requirements = join(dirname(CONFORMANCE_NEXT), "../requirements", `${revision}.yaml`);
		const [, list = ""] = /^server:\n((?: {2}- .*\n)+)/m.exec(readFileSync(requirements, "utf8")) ?? [];
		const names = [...list.matchAll(/- (\S+)/g)].map(([, name = ""]) => name);
		expectAll(await conformance(CONFORMANCE_NEXT, ["--requirements", revision]), names, count);
	});
});

function conformance(program: string, argv: readonly string[]): Promise<Output> {
	const none = fromRoot("test/mcp/conformance/expected-failures.yaml");
	return runProgram(program, ["server", "--url", door.url, "--expected-failures", none, ...argv]);
}

/** By the summary, not by the exit status alone: none of them was left out either. */
function expectAll({ status, stdout }: Output, names: readonly string[], count: number): void {
	const [, summary = ""] = stdout.split("=== SUMMARY ===");
	const good = new Set([...summary.matchAll(/^✓ (\S+): [1-9]\d* passed, 0 failed/gm)].map(([, name]) => name));
	expect(names.filter((name) => !good.has(name))).toEqual([]);
	expect(names).toHaveLength(count);
	expect(status, stdout.slice(-2000)).toBe(0);
}
