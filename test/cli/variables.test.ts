import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { at, cli, PATIENCE_MS } from "./command.js";

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, { timeout: PATIENCE_MS }, () => {
		const run = (command: string, ...words: string[]) => cli([command, ...at(target, "vars"), ...words]);

		test("variables are there for every process, and after a restart", async () => {
			await target.open("vars");
			expect(await run("env", "set", "FRUIT=pear", "EMPTY=", "ODD=a=\x1b[1m b")).toMatchObject({ status: 0, stdout: "", stderr: "" });
			expect(await run("exec", 'cd /tmp; echo "$FRUIT [$EMPTY]"')).toMatchObject({ status: 0, stdout: "pear []\n" });
			expect(await run("env")).toMatchObject({ stdout: "EMPTY=\nFRUIT=pear\nODD=a=\\u001b[1m b\n" });

			const name = target.computerName("vars");
			expect(await cli(["restart", name, "--driver", target.driver])).toMatchObject({ status: 0, stdout: `${name}\n`, stderr: "" });
			expect(await run("exec", "echo $FRUIT in $PWD")).toMatchObject({ stdout: "pear in /tmp\n", stderr: "" });

			const unset = await run("env", "unset", "FRUIT", "NEVER", "--json");
			expect(JSON.parse(unset.stdout)).toEqual({ EMPTY: "", ODD: "a=\x1b[1m b" });
			expect(await run("exec", "echo [$FRUIT]")).toMatchObject({ stdout: "[]\n" });
		});
	});
}
