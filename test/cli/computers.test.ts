import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { at, cli } from "./command.js";

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		const image = target.options.image === undefined ? [] : ["--image", target.options.image];
		const name = target.computerName("life");

		test("is made, listed, stopped, started again and removed", async () => {
			try {
				const made = await cli(["exec", ...at(target, "life"), ...image, "--quiet", "echo kept > ~/file; hostname"]);
				expect(made).toMatchObject({ status: 0, stdout: "lms-computer\n", stderr: "" });

				const listed = JSON.parse((await cli(["ls", "--driver", target.driver, "--json"])).stdout) as { name: string }[];
				expect(listed.find((computer) => computer.name === name)).toMatchObject({ driver: target.driver, state: "running" });
				expect((await cli(["ls"])).stdout).toMatch(new RegExp(`^${name} +${target.driver} +running`, "m"));

				const running = await cli(["status", name, "--driver", target.driver]);
				expect(running.stdout).toMatch(/^state +running\n/m);
				expect(running.stdout).toMatch(/^session +main /m);

				expect(await cli(["stop", name, "--driver", target.driver])).toMatchObject({ status: 0, stdout: `${name}\n` });
				const stopped = JSON.parse((await cli(["status", ...at(target, "life"), "--json"])).stdout);
				expect(stopped).toMatchObject({ name, state: "stopped", inside: null });

				const again = await cli(["exec", ...at(target, "life"), "cat ~/file"]);
				expect(again).toMatchObject({ status: 0, stdout: "kept\n" });
				expect(again.stderr).toContain("was stopped and has been started");
			} finally {
				expect(await cli(["rm", name, "--driver", target.driver, "--json"])).toMatchObject({ status: 0, stderr: "" });
			}
			expect(await cli(["rm", name, "--driver", target.driver])).toMatchObject({ status: 1, stderr: expect.stringContaining(name) });
			expect((await cli(["status", ...at(target, "life")])).status).toBe(1);
		});

		test("what can be changed while it runs is, and what only a rebuild changes is said", async () => {
			await target.open("before");
			await new Promise((resolve) => setTimeout(resolve, 5_100));
			const { status, stderr } = await cli(["exec", ...at(target, "before"), "--memory", "256m", "--hostname", "other", "true"]);
			expect(status).toBe(0);
			expect(stderr).toContain("memory: 256 MB from now on, 1024 MB before");
			expect(stderr).toContain("hostname: this computer has lms-computer, not other; a rebuild changes it");
		});
	});
}

test("doctor says of every driver whether it is usable, or what to do", async () => {
	const { status, stdout, stderr } = await cli(["doctor", "--json"]);
	const report = JSON.parse(stdout);
	expect(stderr).toBe("");
	expect(status).toBe(report.usable ? 0 : 1);
	expect(report.drivers.map(({ name }: { name: string }) => name)).toEqual(["docker", "podman", "namespace"]);
	const text = (await cli(["doctor"])).stdout;
	for (const { name, availability } of report.drivers) {
		expect(text).toMatch(new RegExp(`^${name} +${availability.usable ? "usable" : "not usable"} `, "m"));
		if (availability.usable) {
			expect(availability).toMatchObject({ version: expect.any(String), endpoint: expect.any(String) });
			expect(availability.capabilities.boundary).toMatch(/^(shared-kernel|user-kernel|vm)$/);
		} else expect(availability).toMatchObject({ reason: expect.stringMatching(/./), hint: expect.any(String), tried: expect.any(Array) });
	}
});
