import { diagnose, findComputer, listComputers, openComputer } from "lms-computer";
import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";

test("diagnose names every driver, in the order of auto", async () => {
	const reports = await diagnose();
	expect(reports.map((report) => report.name)).toEqual(["docker", "podman", "namespace"]);
	for (const { availability } of reports) {
		if (!availability.usable) expect(availability.reason).not.toBe("");
	}
});

test.each([
	["openComputer", () => openComputer({ name: "No" })],
	["openComputer", () => openComputer({ name: "diff-3f2a1b9c8d7e" })],
	["openComputer", () => openComputer({ name: "pool-3f2a1b9c8d7e" })],
	["openComputer", () => openComputer({ driver: "lxc" as "docker" })],
	["findComputer", () => findComputer({ name: "No" })],
	["listComputers", () => listComputers({ driver: "lxc" as "docker" })],
])("%s refuses what cannot be", async (_name, call) => {
	await expect(call()).rejects.toMatchObject({ code: "invalid_argument" });
});

test("an abort before the first step makes nothing", async () => {
	await expect(openComputer({ name: "never", signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "canceled" });
});

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		test("opened twice at once is one machine, and is found by auto where it is", async () => {
			const name = target.computerName("open");
			expect(await findComputer({ name })).toBeUndefined();
			const [first, second] = await Promise.all([target.open("open"), openComputer({ ...target.options, name })]);
			try {
				expect(first.driver).toBe(target.driver);
				await first.exec("cd /usr; export A=1");
				expect((await second.exec('echo "$PWD $A"')).stdout).toBe("/usr 1\n");
				const listed = (await listComputers()).filter((machine) => machine.name === name);
				expect(listed).toMatchObject([{ driver: target.driver, state: "running" }]);
				await using found = await findComputer({ name });
				expect(found?.driver).toBe(target.driver);
				expect((await found?.exec("pwd"))?.stdout).toBe("/usr\n");
				await using again = await openComputer({ name });
				expect(again.driver).toBe(target.driver);
			} finally {
				await second.close();
			}
		});
	});
}
