import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { at, cli, PATIENCE_MS } from "./command.js";

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, { timeout: PATIENCE_MS }, () => {
		const run = (command: string, ...words: string[]) => cli([command, ...at(target, "saved"), ...words]);

		test("a computer goes back to a checkpoint, is forked, and tells what changed", async () => {
			await target.open("saved");
			await run("exec", "cd; echo one > kept; echo one > gone");
			const made = await run("checkpoint", "before \x1b[31m it");
			if (!target.capabilities.checkpoints) {
				expect(made).toMatchObject({ status: 1, stdout: "" });
				expect(made.stderr).toMatch(/^error: .*checkpoints.*\nhint: {2}.*\n$/);
				return;
			}
			expect(made).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^[0-9a-f]{12}\n$/) });
			const id = made.stdout.trimEnd();
			expect((await run("checkpoints")).stdout).toMatch(new RegExp(`^${id} .* before \\\\u001b\\[31m it$`, "m"));
			expect(JSON.parse((await run("checkpoints", "--json")).stdout)).toMatchObject([{ id, label: "before \x1b[31m it" }]);

			await run("exec", "echo two > kept; rm gone; touch \"$(printf 'new\\033[1m')\"");
			const diff = await run("diff", id);
			expect(diff).toMatchObject({ status: 0, stderr: "" });
			expect(diff.stdout).toContain("C /home/user/kept\n");
			expect(diff.stdout).toContain("D /home/user/gone\n");
			expect(diff.stdout).toContain("A /home/user/new\\u001b[1m\n");
			expect(JSON.parse((await run("diff", id, "--json")).stdout)).toMatchObject({ deleted: ["/home/user/gone"] });

			const forks = [
				["then", id, "one\n"],
				["copy", "now", "two\n"],
			] as const;
			for (const [name, from, text] of forks) {
				const full = target.computerName(name);
				expect(await run("fork", from, full)).toMatchObject({ status: 0, stdout: `${full}\n`, stderr: "" });
				// It is removed with the others.
				await target.open(name);
				expect(await cli(["exec", ...at(target, name), "cat ~/kept"])).toMatchObject({ status: 0, stdout: text });
			}
			expect(await run("fork", id, target.computerName("then"))).toMatchObject({ status: 1, stdout: "" });

			expect(await run("rollback", id)).toMatchObject({ status: 0, stdout: `${id}\n`, stderr: "" });
			expect(await run("exec", "cd; cat kept gone")).toMatchObject({ status: 0, stdout: "one\none\n" });
		});

		test("what is no checkpoint, no name, or too long is refused", async () => {
			await target.open("saved");
			if (!target.capabilities.checkpoints) return;
			for (const command of ["rollback", "diff"]) {
				expect(await run(command, "000000000000")).toMatchObject({ status: 1, stdout: "", stderr: expect.stringMatching(/^error: .*\n/) });
			}
			expect(JSON.parse((await run("rollback", "nothing", "--json")).stdout)).toMatchObject({ error: { code: "not_found" } });
			expect(await run("fork", "now", "Not A Name")).toMatchObject({ status: 2, stdout: "" });
			expect(await run("checkpoint", "x".repeat(201))).toMatchObject({ status: 2, stdout: "" });
		});
	});
}
