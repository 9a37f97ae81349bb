import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { expectError, guestArguments, output } from "../support/suite.js";

/** Devices but for the loopback. */
const DEVICES = "sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev | grep -vx lo || true";

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("the network, changed while it runs", () => {
		test("live: the shell, a process and the files go on, there and back, over a restart and a rollback", async ({ skip }) => {
			if (target.capabilities.switchNetwork === "refused" || target.capabilities.rootless) skip("this driver can not");
			const computer = await target.open("live", { network: "open" });
			await computer.setNetwork("none");
			await computer.exec("variable=kept; cd /etc; sleep 100081 & echo file >~/file");
			const shell = await output(computer, "echo $$", "main");
			expect(await output(computer, DEVICES)).toBe("");
			await computer.setNetwork("open");
			await computer.setNetwork("open");
			expect(await output(computer, DEVICES)).not.toBe("");
			expect((await computer.exec("echo $$ $variable $PWD; cat ~/file")).stdout).toBe(`${shell} kept /etc\nfile\n`);
			expect(await guestArguments(computer)).toContain("100081");
			const { id } = await computer.checkpoint();
			await computer.rollback(id);
			expect(await output(computer, DEVICES)).not.toBe("");
			await computer.stop();
			expect(await output(computer, DEVICES)).not.toBe("");
			const open = await output(computer, "echo $$", "main");
			await computer.setNetwork("none");
			expect(await output(computer, DEVICES)).toBe("");
			expect(await output(computer, "echo $$", "main")).toBe(open);
			await computer.stop();
			expect(await output(computer, DEVICES)).toBe("");
		});

		test("one that was made with an open network loses it, and gets it back, with its shell", async ({ skip }) => {
			if (target.capabilities.switchNetwork === "refused" || target.capabilities.rootless) skip("this driver can not");
			const computer = await target.open("made-open", { network: "open" });
			const shell = await output(computer, "echo $$", "main");
			await computer.setNetwork("none");
			expect(await output(computer, DEVICES)).toBe("");
			await computer.setNetwork("open");
			expect(await output(computer, DEVICES)).not.toBe("");
			expect(await output(computer, "echo $$", "main")).toBe(shell);
		});

		test("one that was made without starts anew: the files are kept, and a notice says what is not", async ({ skip }) => {
			if (target.capabilities.switchNetwork === "refused") skip("this driver can not");
			const computer = await target.open("restarted");
			await computer.exec("variable=lost; echo file >~/file; echo system >/etc/of-mine");
			await computer.setNetwork("open");
			expect(await output(computer, DEVICES)).not.toBe("");
			expect((await computer.exec('cat ~/file /etc/of-mine; echo "[$variable]"')).stdout).toBe("file\nsystem\n[]\n");
			expect(computer.notices).toEqual([expect.stringContaining("files were kept")]);
			expect((await computer.inspect()).network).toBe("open");
			await computer.setNetwork("none");
			expect(await output(computer, DEVICES)).toBe("");
			expect(await output(computer, "cat ~/file")).toBe("file");
		});

		test("refused where the capabilities say so, with the way out; what it has already is fine", async ({ skip }) => {
			if (target.capabilities.switchNetwork !== "refused") skip("this driver can");
			const computer = await target.open("refused");
			await computer.setNetwork("none");
			await expect(computer.setNetwork("open")).rejects.toMatchObject({
				code: "not_supported",
				hint: expect.stringContaining("lms-computer port"),
			});
			// @ts-expect-error: of a caller without types
			await expectError(computer.setNetwork("some"), "invalid_argument");
		});
	});
});
