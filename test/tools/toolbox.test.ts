import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { type Computer, ComputerError, openComputer } from "lms-computer";
import { TOOLS, Toolbox } from "lms-computer/tools";
import { expect, test } from "vitest";
import { Notices } from "../../packages/computer/src/notices.js";
import { DRIVERS } from "../support/drivers.js";
import { toolSuite } from "./subject.js";

/** No computer is needed for what a toolbox does by itself. */
const nowhere = () => Promise.reject(new ComputerError("driver_unavailable", "no computer here"));

toolSuite("toolbox", (subject) => {
	test("repairs, runs, and says both", async () => {
		const { text, isError } = await subject.call("bash", { cmd: "echo hi" });
		expect(isError).toBe(false);
		expect(text).toMatch(/^note: `bash` was read as Execute\nnote: `cmd` was read as `command`\nexit code 0/);
	});

	test("the same failure a second time is answered with another way, until something has changed", async () => {
		const read = () => subject.call("ReadFile", { path: "missing.txt" });
		expect((await read()).text).not.toContain("another way");
		expect((await read()).text).toContain("another way: this same call has failed before");
		await subject.call("WriteFile", { path: "missing.txt", content: "" });
		expect((await read()).isError).toBe(false);
		const fail = () => subject.call("Execute", { command: "false" });
		expect((await fail()).text).not.toContain("another way");
		expect((await fail()).text).toContain("another way");
		await subject.call("WriteFile", { path: "mended.txt", content: "" });
		expect((await fail()).text).not.toContain("another way");
		await read();
		expect((await fail()).text).toContain("another way");
		subject.toolbox.newTurn();
		expect((await fail()).text).not.toContain("another way");
	});

	test("a look in between is no change, in the compact tools either", async () => {
		const compact = subject.another({ profile: "compact" });
		const read = async () => (await compact.call("ReadFile", { path: "never.txt" })).text;
		expect(await read()).not.toContain("another way");
		expect((await compact.call("Computer", { action: "status" })).isError).toBe(false);
		expect(await read()).toContain("another way");
		await compact.call("Computer", { action: "newShell" });
		expect(await read()).not.toContain("another way");
	});

	test("a computer that the program closes is opened again by the next call", async () => {
		const toolbox = subject.another();
		await (await toolbox.computer()).close();
		expect((await toolbox.call("Execute", { command: "echo he''re" })).text).toContain("here");
	});

	test("holders share the shell, and output keeps to its budget", async () => {
		const small = subject.another({ maxOutputTokens: 600 });
		await small.call("Execute", { command: "cd /tmp" });
		const { text } = await subject.call("Execute", { command: "pwd" });
		expect(text).toContain("in /tmp");
		const long = await small.call("Execute", { command: "seq 1 20000" });
		expect(long.text.length).toBeLessThan(3000);
		expect(long.text).toMatch(/<stdout-\w+>\n1\n2\n.*ReadProcessLogs.*\n20000\n<\/stdout/s);
	});
});

const [target] = DRIVERS.filter(({ skip }) => skip === undefined).toReversed();

test.skipIf(target === undefined)("a command becomes a job in the time that the opening has left for it", async () => {
	const made = await target?.open("toolbox-late");
	const open = async () => {
		await setTimeout(2_500);
		return openComputer({ ...target?.options, name: made?.name });
	};
	// All of it is gone then: what the command runs for is how late this machine is.
	const toolbox = new Toolbox({ open, maxCallMs: 2_500 });
	try {
		const { structured } = await toolbox.call("Execute", { command: "sleep 20" });
		expect(structured).toMatchObject({ running: true, durationMs: expect.any(Number) });
		expect(structured["durationMs"]).toBeLessThan(2_500);
		await toolbox.call("KillBackground", { job: structured["job"] });
	} finally {
		await toolbox.close();
	}
});

test.skipIf(target === undefined)("a command that waited for the shell becomes a job in time", async () => {
	const made = await target?.open("toolbox-queue");
	const toolbox = new Toolbox({ open: () => openComputer({ ...target?.options, name: made?.name }), maxCallMs: 2_000 });
	try {
		const [first, second] = await Promise.all([
			toolbox.call("Execute", { command: "sleep 20", timeout: 1 }),
			toolbox.call("Execute", { command: "sleep 21" }),
		]);
		expect([first, second].map(({ structured }) => structured["running"])).toEqual([true, true]);
	} finally {
		await toolbox.close();
	}
});

test("the budget is spent, told and renewed; starting over is free", async () => {
	const toolbox = new Toolbox({ open: nowhere, callsPerTurn: 2 });
	for (const used of [1, 2]) {
		const { text, structured } = await toolbox.call("Execute", { command: "true" });
		expect(structured).toMatchObject({ budget: { used, remaining: 2 - used, perTurn: 2 }, error: { code: "driver_unavailable" } });
		expect(text).toContain(`[calls this turn: ${used} used, ${2 - used} left of 2]`);
	}
	expect((await toolbox.call("Execute", { command: "true" })).structured).toMatchObject({ error: { code: "limit_reached" } });
	expect((await toolbox.call("ResetShell", {})).structured).toMatchObject({ error: { code: "driver_unavailable" } });
	toolbox.newTurn();
	expect(toolbox.budget).toEqual({ used: 0, remaining: 2, perTurn: 2 });
});

test("a call that can not be understood is one of the turn, and no repetition of another one", async () => {
	const toolbox = new Toolbox({ open: nowhere, callsPerTurn: 4 });
	expect((await toolbox.call("ReadFile", { startLine: "first" })).text).not.toContain("another way");
	const other = await toolbox.call("ReadFile", { endLine: 3 });
	expect(other.text).not.toContain("another way");
	expect(other.structured).toMatchObject({ budget: { used: 2 } });
	expect((await toolbox.call("ReadFile", { endLine: 3 })).text).toContain("another way: this same call has failed before");
	await toolbox.call("NoSuchTool", {});
	expect((await toolbox.call("ReadFile", {})).structured).toMatchObject({ error: { code: "limit_reached" } });
	expect((await toolbox.call("NoSuchTool", {})).structured).toMatchObject({ error: { code: "limit_reached" } });
});

test("without a budget there is no word of one", async () => {
	const toolbox = new Toolbox({ open: nowhere, callsPerTurn: 0 });
	for (let call = 0; call < 30; call++) {
		const { structured, text } = await toolbox.call("Execute", { command: "true" });
		expect(text).toContain("no computer here");
		expect(text).not.toContain("calls");
		expect(structured).not.toHaveProperty("budget");
	}
});

test("whatever is called with whatever, there is an answer", async () => {
	const toolbox = new Toolbox({ open: nowhere, callsPerTurn: 0 });
	const names = fc.oneof(fc.constantFrom(...TOOLS.map(({ name }) => name)), fc.string());
	const keys = fc.constantFrom(
		"command",
		"path",
		"content",
		"replacements",
		"job",
		"timeout",
		"confirm",
		"action",
		"oldStr",
		"__proto__",
		"x",
	);
	const values = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.constant("7"), fc.bigInt().map(String));
	const args = fc.oneof(fc.anything({ withBigInt: true }), fc.dictionary(keys, values), fc.json());
	await fc.assert(
		fc.asyncProperty(names, args, async (name, given) => {
			const { text, structured, isError } = await toolbox.call(name, given);
			expect(isError).toBe(true);
			expect(text).toMatch(/error: ./);
			expect(structured).toHaveProperty("error");
		}),
		{ numRuns: 300 },
	);
});

test("a computer that takes long to open is opened once, and whoever waits is told how far it is", async () => {
	let opened = 0;
	const toolbox = new Toolbox({
		maxCallMs: 1000,
		open: ({ onProgress, signal }) => {
			opened++;
			onProgress?.({ phase: "pull", message: "pulling ubuntu:24.04", fraction: 0.4 });
			return new Promise<Computer>((_, reject) => signal?.addEventListener("abort", () => reject(new Error("closed"))));
		},
	});
	const told: string[] = [];
	const stop = new AbortController();
	const canceled = toolbox.call("Execute", { command: "true" }, { signal: stop.signal });
	const waiting = toolbox.call("Execute", { command: "true" }, { onStatus: (text) => told.push(text) });
	stop.abort();
	expect((await canceled).structured).toMatchObject({ error: { code: "canceled" } });
	const { text } = await waiting;
	expect(text).toContain("not ready yet: pulling ubuntu:24.04, 40 %");
	expect(text).toContain('next: Execute(command: "true")');
	expect(opened).toBe(1);
	await toolbox.close();
});

test("what keeps a computer from being opened is for the user, and no matter of the call", async () => {
	for (const [code, hint] of [
		["not_supported", "Choose another driver."],
		["permission_denied", ""],
		["invalid_argument", "Make the folder first."],
		["image_not_found", ""],
	] as const) {
		const toolbox = new Toolbox({ open: () => Promise.reject(new ComputerError(code, "it can not be", { hint })), callsPerTurn: 0 });
		const { text, structured } = await toolbox.call("ReadFile", { path: "a.txt" });
		expect(text).toMatch(/^error: it can not be\nhint: .*tell the user\.$/);
		expect(text).toContain(hint);
		expect(structured).toMatchObject({ error: { code, next: "" } });
	}
});

test("an opening that failed is tried again, however it failed", async () => {
	let tries = 0;
	const toolbox = new Toolbox({
		open: () => {
			throw new Error(`try ${++tries}`);
		},
	});
	for (const number of [1, 2]) expect((await toolbox.call("Execute", { command: "true" })).text).toContain(`try ${number}`);
});

test("who has gone waits for no opening, and is told nothing more of it", async () => {
	const told: string[] = [];
	let more = (_: string) => {};
	const toolbox = new Toolbox({
		open: ({ onProgress, signal }) => {
			more = (message) => onProgress?.({ phase: "pull", message });
			return new Promise<Computer>((_, reject) => signal?.addEventListener("abort", () => reject(new Error("closed"))));
		},
	});
	const stop = new AbortController();
	const options = { signal: stop.signal, onStatus: (text: string) => void told.push(text) };
	const waiting = toolbox.computer(options);
	const call = toolbox.call("Execute", { command: "true" }, options);
	more("pulling");
	stop.abort();
	await expect(waiting).rejects.toMatchObject({ code: "canceled" });
	expect((await call).structured).toMatchObject({ error: { code: "canceled" } });
	more("still pulling");
	expect(told).toEqual(["pulling", "pulling"]);
	await expect(toolbox.computer(options)).rejects.toMatchObject({ code: "canceled" });
	await toolbox.close();
});

test("a checkpoint that takes longer than a call goes on, and the same call again has it", async () => {
	const begun: { signal: AbortSignal; finish: () => void }[] = [];
	const computer = {
		news: new Notices(),
		planted: { look: async () => {} },
		close: async () => {},
		checkpoint: (label: string, { signal }: { signal: AbortSignal }) =>
			new Promise((resolve, reject) => {
				const id = `c${begun.length + 1}`;
				begun.push({ signal, finish: () => resolve({ id, label }) });
				signal.addEventListener("abort", () => reject(new ComputerError("canceled", "stopped")));
			}),
	} as unknown as Computer;
	const toolbox = new Toolbox({ open: async () => computer, maxCallMs: 1000 });
	const late = await toolbox.call("Checkpoint", { label: "x" });
	expect(late.text).toMatch(/takes longer than a call may take\nhint: It goes on.*\nnext: Checkpoint\(label: "x"\)/);
	const again = toolbox.call("Checkpoint", { label: "x" });
	begun[0]?.finish();
	expect((await again).structured).toMatchObject({ checkpoint: "c1" });
	const another = toolbox.call("Checkpoint", { label: "x" });
	await expect.poll(() => begun.length).toBe(2);
	begun[1]?.finish();
	expect((await another).structured).toMatchObject({ checkpoint: "c2" });
	const stop = new AbortController();
	const canceled = toolbox.call("Checkpoint", { label: "x" }, { signal: stop.signal });
	await expect.poll(() => begun.length).toBe(3);
	stop.abort();
	expect((await canceled).structured).toMatchObject({ error: { code: "canceled" } });
	expect(begun.map(({ signal }) => signal.aborted)).toEqual([false, false, true]);
	await toolbox.close();
});

test("a setting that can not be is refused", () => {
	for (const wrong of [{ callsPerTurn: -1 }, { maxCallMs: 1 }, { maxOutputBytes: 1e9 }, { profile: "tiny" as "full" }]) {
		expect(() => new Toolbox({ open: nowhere, ...wrong })).toThrow(ComputerError);
	}
});

test("the profile follows the model's context", () => {
	const profileOf = (contextTokens?: number) => new Toolbox({ open: nowhere, contextTokens }).profile;
	expect([profileOf(4096), profileOf(16_384), profileOf(131_072), profileOf()]).toEqual(["compact", "standard", "full", "full"]);
});
