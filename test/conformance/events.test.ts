import { findComputer } from "lms-computer";
import { expect, test } from "vitest";
import type { ComputerEvent } from "../../packages/computer/src/events.js";
import { suite } from "../support/suite.js";

/** Everything up to the first event that is the last one wanted. */
async function until(events: AsyncIterable<ComputerEvent>, last: (event: ComputerEvent) => boolean): Promise<ComputerEvent[]> {
	const seen: ComputerEvent[] = [];
	for await (const event of events) {
		seen.push(event);
		if (last(event)) break;
	}
	return seen;
}

suite("events", (subject) => {
	test("commands of every holder, jobs too, and what becomes of the computer", async () => {
		const { computer, target } = subject;
		const other = await findComputer({ name: computer.name, driver: target.driver });
		const seen = until(computer.events(), (event) => event.type === "end" && event.command.command === "exit 4");
		// What it hears begins with the connection; the first command may be quicker.
		await computer.exec("true");
		await other?.exec("echo from elsewhere", { session: "other" });
		const job = await computer.commands.start("exit 4");
		const events = await seen;
		await other?.close();
		expect(events).toContainEqual(
			expect.objectContaining({
				type: "end",
				command: expect.objectContaining({ command: "echo from elsewhere", session: "other", exitCode: 0, reason: "exit" }),
			}),
		);
		expect(events.at(-1)).toMatchObject({ type: "end", command: { id: job.id, exitCode: 4, running: false } });
		expect(events.find((event) => event.type === "begin" && event.command.id === job.id)).toMatchObject({ command: { exitCode: null } });
	});

	test("the stream goes on over a stop, and ends with its signal", async () => {
		const { computer } = subject;
		await computer.exec("true");
		const stop = new AbortController();
		const seen = until(computer.events({ signal: stop.signal }), (event) => event.type === "end" && event.command.command === "echo again");
		await computer.stop();
		await computer.exec("true");
		// The stream joins the new connection on its own; a command that is waited for is surely after that.
		for (let done = false; !done; ) done = (await Promise.race([seen, computer.exec("echo again").then(() => undefined)])) !== undefined;
		expect((await seen).map(({ type }) => type)).toEqual(expect.arrayContaining(["disconnected", "stopped", "notice", "end"]));
		const aborted = until(computer.events({ signal: stop.signal }), () => false);
		stop.abort();
		await expect(aborted).rejects.toMatchObject({ code: "canceled" });
	});

	test("why a command ended", async () => {
		const { computer } = subject;
		const reasons = async (command: string, options = {}) => (await computer.exec(command, options)).reason;
		expect(await reasons("exit 3")).toBe("exit");
		expect(await reasons("sh -c 'kill -9 $$'")).toBe("signal");
		expect(await reasons("sleep 60", { timeoutMs: 100 })).toBe("timeout");
		expect(await reasons("sleep 1", { timeoutMs: 50, onTimeout: "job" })).toBeNull();
		const job = await computer.commands.start("sleep 60");
		expect(await computer.commands.kill(job.id)).toMatchObject({ reason: "killed" });
	});

	test("8. Out of memory: reported as such, and the computer lives on", async ({ skip }) => {
		const { target } = subject;
		if (!target.capabilities.limitMemory) skip("this driver can not limit memory here");
		const small = await target.open("events-small", { memoryBytes: 64 * 1024 * 1024 });
		const result = await small.exec("exec tail /dev/zero", { timeoutMs: 60_000 });
		expect(result).toMatchObject({ exitCode: 137, reason: "out_of_memory", timedOut: false });
		expect((await small.exec("echo on")).stdout).toBe("on\n");
	});

	test("the journal has what was run, and names the output by its id", async () => {
		const { computer } = subject;
		const marker = `: ${Math.random()}`;
		const { id } = await computer.exec(`${marker}; echo out; exit 5`);
		await (await computer.spawn(`${marker}; true`)).result;
		const job = await computer.commands.start(`${marker}; sleep 0`);
		const records = (await computer.history()).filter((record) => "command" in record && record.command.startsWith(marker));
		expect(records).toMatchObject([
			{ type: "command", id, exitCode: 5, reason: "exit", stdoutBytes: 4, stderrBytes: 0, pid: process.pid, driver: computer.driver },
			{ type: "command", exitCode: 0 },
			{ type: "job", id: job.id, exitCode: null },
		]);
		expect((await computer.history(1)).length).toBe(1);
		expect((await computer.history()).map(({ type }) => type)).toEqual(expect.arrayContaining(["created", "stopped", "started", "notice"]));
	});
});
