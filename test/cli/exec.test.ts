import { describe, expect, test } from "vitest";
import { MATRIX } from "../support/drivers.js";
import { at, cli, expectGone, MARK, processesWith, start } from "./command.js";

for (const target of MATRIX) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		const exec = (name: string, ...words: string[]) => cli(["exec", ...at(target, name), "--quiet", ...words]);

		test("one process finds the directory and the variables of another", async () => {
			await target.open("state");
			expect(await exec("state", "cd /tmp; export A=1; B=2")).toMatchObject({ status: 0, stdout: "", stderr: "" });
			expect(await exec("state", "pwd; echo $A $B")).toMatchObject({ status: 0, stdout: "/tmp\n1 2\n" });
			expect(await exec("state", "--session", "other", "echo [$A]")).toMatchObject({ stdout: "[]\n" });
			expect(await exec("state", "--cwd", "/etc", "-e", "A=x y", "-e", "C==", "--", "pwd; echo $A $C")).toMatchObject({
				stdout: "/etc\nx y =\n",
			});
			expect(await exec("state", "pwd; echo $A")).toMatchObject({ stdout: "/tmp\n1\n" });
		});

		test("exit 3 is status 3, and the next command goes on", async () => {
			await target.open("exit");
			await exec("exit", "cd /tmp; export A=1");
			expect(await exec("exit", "exit 3")).toMatchObject({ status: 3, stdout: "", stderr: "" });
			expect(await exec("exit", "pwd; echo $A")).toMatchObject({ status: 0, stdout: "/tmp\n1\n" });
			expect(await exec("exit", "no-such-command-here")).toMatchObject({ status: 127 });
			expect(await exec("exit", "false")).toMatchObject({ status: 1 });
		});

		test("words are joined, our flags end at the first of them, and bytes stay as they are", async () => {
			await target.open("words");
			expect(await exec("words", "echo", "a", "--json", "-n")).toMatchObject({ stdout: "a --json -n\n" });
			expect(await exec("words", "--", "echo", "$((1+2))")).toMatchObject({ stdout: "3\n" });
			const { bytes, stderr } = await exec("words", "printf '\\000\\377\\303'; printf '\\033[1m' >&2");
			expect(bytes).toEqual(Buffer.from([0, 255, 0xc3]));
			expect(stderr).toBe("\x1b[1m");
		});

		test("a command reads our standard input with -i alone", async () => {
			await target.open("stdin");
			const input = Buffer.alloc(300_000, "0123456789\n");
			expect((await cli(["exec", ...at(target, "stdin"), "-i", "cat"], { input })).bytes.equals(input)).toBe(true);
			// The pipe stays open for good; without -i nobody waits for it.
			const running = start(["exec", ...at(target, "stdin"), "cat; echo over"]);
			expect(await running.ended).toMatchObject({ status: 0, stdout: "over\n" });
			const taking = start(["exec", ...at(target, "stdin"), "-i", "head -n 1"]);
			taking.process.stdin.write("first\nsecond\n");
			expect(await taking.ended).toMatchObject({ status: 0, stdout: "first\n" });
		});

		test("output comes while the command runs", async () => {
			await target.open("stream");
			const running = start(["exec", ...at(target, "stream"), "-i", "echo one; read x; echo got $x"]);
			await running.says("one\n");
			running.process.stdin.end("it\n");
			expect(await running.ended).toMatchObject({ status: 0, stdout: "one\ngot it\n" });
		});

		test("a timeout gives what there was and leaves nothing running", async () => {
			await target.open("time");
			await exec("time", "cd /tmp");
			const command = `echo part; sleep ${MARK}61 & echo err >&2; sleep ${MARK}61`;
			expect(await exec("time", "--timeout", "1", command)).toMatchObject({ status: 124, stdout: "part\n", stderr: "err\n" });
			expect(await processesWith(`sleep ${MARK}61`)).toEqual([]);
			expect(await exec("time", "pwd")).toMatchObject({ stdout: "/tmp\n" });
		});

		test("--json is one object with everything", async () => {
			await target.open("json");
			const { status, stdout, stderr } = await exec(
				"json",
				"--json",
				"--timeout",
				"0.5",
				`cd /tmp; echo out; echo err >&2; sleep ${MARK}62`,
			);
			expect({ status, stderr }).toEqual({ status: 124, stderr: "" });
			const result = JSON.parse(stdout);
			expect(result).toEqual({
				computer: target.computerName("json"),
				driver: target.driver,
				id: expect.any(String),
				session: "main",
				exitCode: 124,
				stdout: "out\n",
				stderr: "err\n",
				stdoutOmittedBytes: 0,
				stderrOmittedBytes: 0,
				truncated: false,
				timedOut: true,
				running: false,
				durationMs: expect.any(Number),
				cwd: "/tmp",
				shell: expect.stringMatching(/^(kept|killed)$/),
				reason: "timeout",
				notices: expect.any(Array),
			});
			expect(result.durationMs).toBeGreaterThanOrEqual(500);
			// In ms; the command would have slept for months.
			expect(result.durationMs).toBeLessThan(30_000);

			const cut = await exec("json", "--json", "--max-output", "1k", "head -c 5000 /dev/zero | tr '\\0' x; exit 7");
			expect(cut.status).toBe(7);
			expect(JSON.parse(cut.stdout)).toMatchObject({ exitCode: 7, truncated: true, stdoutOmittedBytes: 5000 - 1024 });
		});

		test("--on-timeout job lets it go on, and status shows it", async () => {
			await target.open("job");
			const { status, stdout } = await exec("job", "--json", "--timeout", "0.3", "--on-timeout", "job", `sleep ${MARK}63`);
			expect(status).toBe(124);
			expect(JSON.parse(stdout)).toMatchObject({ running: true, timedOut: true, exitCode: null });
			const state = JSON.parse((await cli(["status", ...at(target, "job"), "--json"])).stdout);
			expect(state.inside.commands).toMatchObject([{ command: `sleep ${MARK}63`, running: true }]);
		});

		test.each([
			["SIGINT", 130],
			["SIGTERM", 143],
			["SIGHUP", 129],
		] as const)("%s ends the command, and the shell stays", async (signal, status) => {
			await target.open("signal");
			await exec("signal", "cd /tmp");
			const running = start(["exec", ...at(target, "signal"), `echo ready; sleep ${MARK}64; sleep ${MARK}64`]);
			await running.says("ready");
			running.process.kill(signal);
			expect(await running.ended).toMatchObject({ status, stdout: "ready\n", stderr: "" });
			await expectGone(`sleep ${MARK}64`);
			expect(await exec("signal", "pwd")).toMatchObject({ stdout: "/tmp\n" });
		});

		test("a command that ignores Ctrl-C is killed, and says what it has to say before", async () => {
			await target.open("stubborn");
			const running = start([
				"exec",
				...at(target, "stubborn"),
				"sh -c 'trap \"echo caught\" INT; echo ready; while :; do sleep 0.1; done'",
			]);
			await running.says("ready");
			running.process.kill("SIGINT");
			await running.says("caught");
			expect(await running.ended).toMatchObject({ status: 130 });
			expect(await exec("stubborn", "echo well")).toMatchObject({ stdout: "well\n" });
		});

		test("a client that is killed takes its command with it", async () => {
			await target.open("killed");
			const running = start(["exec", ...at(target, "killed"), `echo ready; sleep ${MARK}65`]);
			await running.says("ready");
			running.process.kill("SIGKILL");
			await running.ended;
			await expectGone(`sleep ${MARK}65`);
		});

		test("Ctrl-C takes a waiting command back", async () => {
			await target.open("queue");
			const first = start(["exec", ...at(target, "queue"), "echo ready; sleep 6; echo first"]);
			await first.says("ready");
			const second = start(["exec", ...at(target, "queue"), "touch /tmp/second"]);
			const queued = async () => JSON.parse((await cli(["status", ...at(target, "queue"), "--json"])).stdout).inside.sessions[0].queued;
			await expect.poll(queued, { timeout: 5_000, interval: 50 }).toBe(1);
			second.process.kill("SIGINT");
			expect((await second.ended).status).toBe(130);
			expect((await first.ended).status).toBe(0);
			expect((await exec("queue", "test -e /tmp/second")).status).toBe(1);
		});

		test("a reader that has seen enough ends the command, quietly", async () => {
			await target.open("pipe");
			const running = start(["exec", ...at(target, "pipe"), `yes ${MARK}66`]);
			await running.says(`${MARK}66\n`);
			running.process.stdout.destroy();
			expect(await running.ended).toMatchObject({ status: 141, stderr: "" });
			await expectGone(`yes ${MARK}66`);
		});

		test("an error of ours has its own status", async () => {
			await target.open("error");
			const { status, stdout, stderr } = await exec("error", "--cwd", "/not/here", "true");
			expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
			expect(stderr).toMatch(/^error: .*\/not.*\n(hint: .*\n)?$/);
			const json = await exec("error", "--json", "--cwd", "/not/here", "true");
			expect(json).toMatchObject({ status: 125, stderr: "" });
			expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: "not_found", message: expect.stringContaining("/not") } });
		});
	});
}
