import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { MATRIX, type Target } from "../support/drivers.js";
import { at, expectGone, MAIN, MARK, processesWith, Running } from "./command.js";

const SCRIPT = spawnSync("script", ["--version"]).status === 0 ? undefined : "there is no `script` of util-linux";
const DETACH = "\x1d";

/** A shell on a terminal of 33 lines and 111 columns; tells before and after what the terminal's settings are. */
function shell(target: Target, ...flags: string[]): Running {
	const command = [process.execPath, MAIN, "shell", ...at(target, "shell"), ...flags].join(" ");
	const line = `stty rows 33 cols 111; echo before=$(stty -g); ${command}; echo status=$?; echo after=$(stty -g)`;
	return new Running("script", ["--quiet", "--return", "--echo", "never", "--command", line, "/dev/null"], {});
}

/** Types when the prompt, or what else is expected, is there. */
async function type(running: Running, keys: string, expected: string): Promise<void> {
	running.process.stdin.write(keys);
	await running.says(expected);
}

async function ending(running: Running): Promise<{ status: string | undefined; restored: boolean }> {
	await running.says("after=");
	running.process.stdin.end();
	const { stdout } = await running.ended;
	const value = (name: string) => new RegExp(`${name}=([0-9a-f:]+)`).exec(stdout)?.[1];
	return { status: value("status"), restored: value("before") !== undefined && value("before") === value("after") };
}

for (const target of MATRIX) {
	const skip = target.skip ?? SCRIPT;
	describe.skipIf(skip !== undefined)(
		target.skip === undefined && SCRIPT !== undefined ? `${target.title} (skipped: ${SCRIPT})` : target.title,
		() => {
			test("has the window's size, gives Ctrl-C to the guest, and ends with the program's status", async () => {
				const computer = await target.open("shell");
				await computer.exec("cd /tmp; export FRUIT=pear", { session: "one" });
				const running = shell(target, "--session", "one");
				await type(running, "echo size $(stty size)\r", "size 33 111");
				await type(running, "echo $FRUIT in $PWD\r", "pear in /tmp");
				await type(running, `echo re''ady; sleep ${MARK}71\r`, "ready");
				// A shell that has forked and not yet started the program can lose it.
				await expect.poll(() => processesWith(`sleep ${MARK}71`), { timeout: 10_000 }).not.toEqual([]);
				await type(running, "\x03", "^C");
				await type(running, "echo inter''rupted $?\r", "interrupted 130");
				running.process.stdin.write("exit 7\r");
				expect(await ending(running)).toEqual({ status: "7", restored: true });
				await expectGone(`sleep ${MARK}71`);
			});

			test("detaches, and shows again what was there", async () => {
				await target.open("shell");
				const first = shell(target, "--session", "two");
				await type(first, "X=5; echo be''fore; printf '\\033[?1049h\\033[?25l'; echo dra''wn\r", "drawn");
				first.process.stdin.write(DETACH);
				expect(await ending(first)).toEqual({ status: "0", restored: true });
				expect(first.stdout).toContain("detached");
				// The guest had switched to the other screen and hidden the cursor.
				expect(first.stdout.slice(first.stdout.indexOf("drawn"))).toContain("\x1b[?1049l\x1b[?25h");

				const second = shell(target, "--session", "two");
				await second.says("before");
				await type(second, "echo still $X\r", "still 5");
				second.process.stdin.write("exit\r");
				expect(await ending(second)).toEqual({ status: "0", restored: true });
			});

			test("puts the terminal back when the computer is stopped under it", async () => {
				const computer = await target.open("shell");
				const running = shell(target, "--session", "three");
				await type(running, "echo re''ady\r", "ready");
				await computer.stop();
				const { restored, status } = await ending(running);
				expect(restored).toBe(true);
				expect(status).toBe("125");
				expect((await computer.inspect()).state).toBe("stopped");
			});
		},
	);
}
