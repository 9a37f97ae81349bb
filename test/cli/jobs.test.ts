import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { at, cli, expectGone, MARK, PATIENCE_MS, start } from "./command.js";

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, { timeout: PATIENCE_MS }, () => {
		const run = (command: string, ...words: string[]) => cli([command, ...at(target, "jobs"), ...words]);
		const detach = async (text: string, ...flags: string[]) => {
			const { status, stderr, stdout } = await run("exec", "--detach", ...flags, text);
			expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
			return stdout.trimEnd();
		};

		test("a job outlives who started it; its log and its status are there for others", async () => {
			await target.open("jobs");
			await run("exec", "cd /tmp; export A=1");
			const id = await detach(
				"pwd; echo $A $B; echo oops >&2; until [ -e /tmp/go ]; do sleep 0.05; done; printf 'end\\000'; exit 7",
				"-e",
				"B=2",
			);
			expect(id).toMatch(/^[A-Za-z0-9_-]+$/);

			const following = start(["logs", ...at(target, "jobs"), id, "--follow"]);
			await following.says("/tmp\n1 2\n");
			expect((await run("jobs")).stdout).toMatch(new RegExp(`^${id} +running +`, "m"));
			expect(await run("wait", id, "--timeout", "0.1")).toMatchObject({
				status: 124,
				stdout: "",
				stderr: expect.stringContaining("still runs"),
			});
			expect(await run("logs", id, "--stream", "stderr")).toMatchObject({ status: 0, stdout: "oops\n", stderr: "" });

			await run("exec", "touch /tmp/go");
			expect(await following.ended).toMatchObject({ status: 0, stdout: "/tmp\n1 2\nend\0", stderr: "oops\n" });
			expect(await run("wait", id)).toMatchObject({ status: 7, stdout: "", stderr: "" });
			const waited = await run("wait", id, "--json");
			expect(waited.status).toBe(7);
			expect(JSON.parse(waited.stdout)).toMatchObject({ id, running: false, exitCode: 7, timedOut: false });
			const log = JSON.parse((await run("logs", id, "--json", "--max-output", "4")).stdout);
			expect(log).toMatchObject({ id, stdout: "end\0", stdoutOmittedBytes: 9, stderr: "ops\n", stderrOmittedBytes: 1 });
			const all = JSON.parse((await run("jobs", "--json")).stdout) as { id: string }[];
			expect(all.find((job) => job.id === id)).toMatchObject({ running: false, exitCode: 7, session: "main" });
		});

		test("kill ends a job and all it started; Ctrl-C ends the looking on alone", async () => {
			await target.open("jobs");
			const id = await detach(`echo ready; sleep ${MARK}81 & sleep ${MARK}81`);
			const following = start(["logs", ...at(target, "jobs"), id, "-f"]);
			await following.says("ready");
			following.process.kill("SIGINT");
			expect(await following.ended).toMatchObject({ status: 130, stderr: "" });
			expect(await run("wait", id, "--timeout", "0.1")).toMatchObject({ status: 124 });
			expect(await run("kill", id, "--signal", "FOO")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("FOO") });
			expect(await run("kill", id)).toMatchObject({ status: 0, stdout: `${id}\n`, stderr: "" });
			await expectGone(`sleep ${MARK}81`);
			const again = await run("kill", id, "--signal", "SIGHUP", "--json");
			expect(JSON.parse(again.stdout)).toMatchObject({ id, running: false });
		});

		test("a time limit is the job's own, and what it is called does nothing to a terminal", async () => {
			await target.open("jobs");
			const id = await detach(`sleep ${MARK}82 # \x1b[31m\x1b]0;title\x07`, "--timeout", "0.2");
			expect(await run("wait", id)).toMatchObject({ status: 124, stderr: "" });
			const { stdout } = await run("jobs");
			expect(stdout).toMatch(new RegExp(`^${id} +timed out .*sleep ${MARK}82 # \\\\u001b\\[31m\\\\u001b`, "m"));
			expect(stdout).not.toContain("\x1b");
		});

		test("what is not there is said, and a stopped computer is not started to look for it", async () => {
			const computer = await target.open("jobs");
			expect(await run("wait", "9999")).toMatchObject({ status: 125, stdout: "", stderr: expect.stringMatching(/^error: .*9999.*\n/) });
			expect(await run("logs", "9999")).toMatchObject({ status: 1, stdout: "" });
			expect(JSON.parse((await run("kill", "9999", "--json")).stdout)).toMatchObject({ error: { code: "not_found" } });
			await computer.stop();
			expect(await run("jobs", "--json")).toMatchObject({ status: 0, stdout: "[]\n" });
			expect(await run("logs", "1")).toMatchObject({ status: 1, stderr: expect.stringMatching(/^error: .*stopped.*\nhint: {2}.*\n$/) });
			expect((await computer.inspect()).state).toBe("stopped");
			expect((await cli(["jobs", "--name", target.computerName("nowhere"), "--driver", target.driver])).status).toBe(1);
		});
	});
}
