import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { at, cli, PATIENCE_MS } from "./command.js";

// The command is the same on both engines; test/egress tries what it changes on each.
for (const target of DRIVERS.filter(({ driver }) => driver !== "podman")) {
	describe.skipIf(target.skip !== undefined)(target.title, { timeout: PATIENCE_MS }, () => {
		const run = (...words: string[]) => cli(["network", ...at(target, "rules"), ...words]);

		test("what is allowed is shown and changed, and counts for the next command", async () => {
			await target.open("rules", { network: { allow: ["API.example.com", "local-model:11434"] } });
			expect(await run()).toMatchObject({
				status: 0,
				stdout: "allow  api.example.com\nallow  local-model:11434  host.lms-computer.internal:11434\n",
				stderr: "",
			});
			expect((await run("allow", "*.example.org", "10.0.0.5:5432")).stdout).toContain("allow  10.0.0.5:5432\n");
			expect((await run("deny", "api.example.com")).stdout).not.toContain("api.example.com");
			expect(await run("deny", "api.example.com")).toMatchObject({
				status: 1,
				stderr: expect.stringContaining("These are: local-model:11434"),
			});
			expect(JSON.parse((await run("show", "--json")).stdout)).toMatchObject({
				on: true,
				allow: [{ word: "local-model:11434" }, { word: "*.example.org" }, {}],
			});

			const fetch = "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT api.example.com:443 HTTP/1.1\\r\\n\\r\\n' >&3; head -1 <&3";
			expect((await cli(["exec", ...at(target, "rules"), fetch])).stdout).toContain("lms-computer network allow api.example.com:443");
			expect(await run("none")).toMatchObject({ status: 0, stdout: "nothing is allowed\n" });
			expect((await cli(["exec", ...at(target, "rules"), "echo [$http_proxy]"])).stdout).toBe("[]\n");
		});

		test("what cannot be right is said before anything is done", async () => {
			expect(await run("allow")).toMatchObject({ status: 2, stderr: expect.stringContaining("expected a rule after allow") });
			expect(await run("permit", "x")).toMatchObject({ status: 2 });
			expect((await run("only", "http://example.org")).stderr).toContain("expected a rule of allow to be a rule such as");
		});
	});
}
