import { setTimeout } from "node:timers/promises";
import { type Computer, openComputer } from "lms-computer";
import { Toolbox } from "lms-computer/tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS, MATRIX } from "../support/drivers.js";

describe.for(MATRIX)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("the toolbox", () => {
		let computer: Computer;
		let toolbox: Toolbox;
		beforeAll(async () => {
			computer = await target.open("toolbox");
			toolbox = new Toolbox({ open: () => openComputer({ ...target.options, name: computer.name }), callsPerTurn: 1000 });
		});
		afterAll(() => toolbox.close());

		test("runs a command in a shell that stays", async () => {
			await toolbox.call("Execute", { command: "cd /tmp && export FRUIT=pear" });
			const result = await toolbox.call("Execute", { command: 'echo "$PWD $FRUIT"; exit 3' });
			expect(result).toMatchObject({ isError: false, structured: { exitCode: 3, stdout: "/tmp pear\n" } });
			expect(result.text).toContain("exit code 3");
		});

		test("writes a file and reads it back", async () => {
			await toolbox.call("WriteFile", { path: "a/b.txt", content: "one\ntwo\nthree" });
			const result = await toolbox.call("ReadFile", { path: "a/b.txt", startLine: "2" });
			expect(result.structured).toMatchObject({ content: "two\nthree", totalLines: 3 });
		});

		test("answers with the failure instead of throwing", async () => {
			const result = await toolbox.call("ReadFile", { path: "/nowhere" });
			expect(result).toMatchObject({ isError: true, structured: { error: { code: "not_found" } } });
		});
	});
});

const [target] = DRIVERS.filter(({ skip }) => skip === undefined).toReversed();

test.skipIf(target === undefined)("a command becomes a job in the time that the opening has left for it", async () => {
	const made = await target?.open("toolbox-late");
	const open = async () => {
		await setTimeout(1_500);
		return openComputer({ ...target?.options, name: made?.name });
	};
	const toolbox = new Toolbox({ open, maxCallMs: 2_000 });
	try {
		const { structured } = await toolbox.call("Execute", { command: "sleep 20" });
		expect(structured).toMatchObject({ running: true, durationMs: expect.any(Number) });
		expect(structured["durationMs"]).toBeLessThan(2_000);
		await toolbox.call("KillBackground", { job: structured["job"] });
	} finally {
		await toolbox.close();
	}
});

test("without a budget there is no word of one", async () => {
	const open = () => Promise.reject(new Error("no computer here"));
	const counted = await new Toolbox({ open }).call("Execute", { command: "true" });
	expect(counted).toMatchObject({ isError: true, structured: { budget: { used: 1, remaining: 24, perTurn: 25 } } });
	const toolbox = new Toolbox({ open, callsPerTurn: 0 });
	for (let call = 0; call < 30; call++) {
		const { structured, text } = await toolbox.call("Execute", { command: "true" });
		expect(text).toContain("no computer here");
		expect(text).not.toContain("calls");
		expect(structured).not.toHaveProperty("budget");
	}
});
