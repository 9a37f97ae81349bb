import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { serveInGuest } from "../support/guest-server.js";
import { at, cli, PATIENCE_MS, start } from "./command.js";

const GUEST_PORT = 9011;

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, { timeout: PATIENCE_MS }, () => {
		test("a port of the computer is at the address that is printed, until Ctrl-C", async () => {
			await serveInGuest(await target.open("port"), GUEST_PORT, "echo hello from inside");
			const running = start(["port", ...at(target, "port"), String(GUEST_PORT)]);
			await running.says("\n");
			const port = Number(/^127\.0\.0\.1:(\d+)\n$/.exec(running.stdout)?.[1]);
			expect(await text(connect({ host: "127.0.0.1", port }))).toBe("hello from inside\n");

			const taken = await cli(["port", ...at(target, "port"), `${GUEST_PORT}:${port}`, "--json"]);
			expect(taken).toMatchObject({ status: 1, stderr: "" });
			expect(JSON.parse(taken.stdout)).toMatchObject({ error: { code: "already_exists" } });

			running.process.kill("SIGINT");
			expect(await running.ended).toMatchObject({ status: 130, stderr: "" });
			await expect(once(connect({ host: "127.0.0.1", port }), "connect")).rejects.toThrow("ECONNREFUSED");

			const chosen = start(["port", ...at(target, "port"), `${GUEST_PORT}:${port}`, "--json"]);
			await chosen.says("}\n");
			expect(JSON.parse(chosen.stdout)).toEqual({ computer: target.computerName("port"), guestPort: GUEST_PORT, host: "127.0.0.1", port });
			chosen.process.kill("SIGTERM");
			expect(await chosen.ended).toMatchObject({ status: 143, stderr: "" });
		});
	});
}
