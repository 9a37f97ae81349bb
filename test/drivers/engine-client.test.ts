import { once } from "node:events";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Engine } from "../../packages/computer/src/drivers/engine/engine.js";

test("what the client library looks at for each request does not grow with the requests under way", async () => {
	const path = join(tmpdir(), `lms-client-${process.pid}.sock`);
	let waiting = 0;
	const silent = createServer(() => (waiting += 1)).listen(path);
	await once(silent, "listening");
	const engine = new Engine({ product: "Docker" } as Engine["dialect"], { kind: "socket", path }, "", "linux");
	let agent: unknown;
	const calls = Array.from({ length: 20 }, () =>
		engine.call("list", (docker, abortSignal) => {
			({ agent } = docker.modem as { agent?: unknown });
			return docker.listContainers({ abortSignal });
		}),
	);
	const over = Promise.allSettled(calls);
	await expect.poll(() => waiting).toBe(calls.length);
	// As docker-modem does it.
	expect(inspect(agent, { showHidden: true, depth: null }).length).toBeLessThan(100);
	silent.closeAllConnections();
	await over;
	silent.close();
});
