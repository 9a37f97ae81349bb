import { expect, test } from "vitest";
import { expectError, suite } from "../support/suite.js";

suite("environment", (subject) => {
	test("every later command, job and session has it, whatever is in it", async () => {
		const { computer } = subject;
		const value = "a 'b' \"c\"\n$(d) `e` $F \\";
		await computer.exec("v=kept");
		expect(await computer.environment.set({ KEY: value, OTHER: "x" })).toEqual({ KEY: value, OTHER: "x" });
		expect((await computer.exec('printf %s "$KEY"; sh -c \'printf %s "$KEY"\'; printf %s "$v"')).stdout).toBe(`${value}${value}kept`);
		expect((await computer.exec('printf %s "$KEY"', { session: "other" })).stdout).toBe(value);
		const job = await computer.commands.start('printf %s "$KEY"');
		await computer.commands.wait(job.id);
		expect((await computer.commands.output(job.id)).bytes.toString()).toBe(value);
	});

	test("it is unset, and listed", async () => {
		const { computer } = subject;
		await computer.environment.set({ GONE: "1", STAYS: "2" });
		await computer.exec("true");
		const left = await computer.environment.unset(["GONE"]);
		expect(left).toMatchObject({ STAYS: "2" });
		expect(left).not.toHaveProperty("GONE");
		expect(await computer.environment.list()).toEqual(left);
		expect((await computer.exec('echo "[$GONE] $STAYS"')).stdout).toBe("[] 2\n");
	});

	test("a name that no shell takes changes nothing", async () => {
		const { computer } = subject;
		const before = await computer.environment.list();
		await expectError(computer.environment.set({ FINE: "1", "A=B": "2" }), "invalid_argument");
		await expectError(computer.environment.set({ LD_PRELOAD: "/x" }), "invalid_argument");
		await expectError(computer.environment.unset(["IFS"]), "invalid_argument");
		expect(await computer.environment.list()).toEqual(before);
	});

	test("it outlives a restart, as do the directory and the exports of each shell", async () => {
		const { computer } = subject;
		await computer.environment.set({ KEPT: "over a restart" });
		await computer.exec("cd /var; export MINE=1");
		await computer.exec("cd /etc; export MINE=2", { session: "second" });
		await computer.stop();
		expect((await computer.exec('echo "$KEPT, $MINE, $PWD"')).stdout).toBe("over a restart, 1, /var\n");
		expect((await computer.exec('echo "$KEPT, $MINE, $PWD"', { session: "second" })).stdout).toBe("over a restart, 2, /etc\n");
	});
});
