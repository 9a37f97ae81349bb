import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Computer } from "../../packages/computer/src/computer.js";
import { ComputerError } from "../../packages/computer/src/errors/index.js";
import { Notices } from "../../packages/computer/src/notices.js";
import { machineSpec } from "../../packages/computer/src/options.js";
import { Slot } from "../../packages/computer/src/slot.js";
import { NO_AGENT } from "../agent/guest.js";
import { stopProcess } from "../support/outside.js";
import { ProcessDriver, type ProcessMachine } from "./process-driver.js";

describe.skipIf(NO_AGENT !== undefined)(`a computer${NO_AGENT === undefined ? "" : ` (skipped: ${NO_AGENT})`}`, () => {
	let driver: ProcessDriver;
	let opened: Computer[];

	beforeEach(() => {
		driver = new ProcessDriver();
		opened = [];
	});
	afterEach(async () => {
		vi.useRealTimers();
		await Promise.all(opened.map((computer) => computer.close()));
		await driver.removeAll();
	});

	const open = (spec = true) => {
		const slot = new Slot({ driver, name: "box", spec: spec ? machineSpec({ name: "box" }) : undefined });
		const computer = new Computer(slot, { driver, probe: () => driver.probe(), release: () => driver.close() });
		opened.push(computer);
		return computer;
	};
	const machine = () => driver.machines.get("box") as ProcessMachine;
	const says = async (computer: Computer) => (await computer.exec("echo hi")).stdout;

	test("is made by the first call, once for all callers and handles", async () => {
		const computers = [open(), open(), open()];
		expect(await Promise.all([...computers, ...computers].map(says))).toEqual(Array(6).fill("hi\n"));
		expect(driver.calls.create).toBe(1);
		expect(computers.flatMap((computer) => computer.notices)).toEqual([]);
	});

	test("made by another process in between is attached to", async () => {
		const attach = vi.spyOn(driver, "attach").mockImplementationOnce(async () => {
			await driver.create(machineSpec({ name: "box" }));
			return undefined;
		});
		expect(await says(open())).toBe("hi\n");
		expect(driver.calls.create).toBe(2);
		expect(attach).toHaveBeenCalledTimes(2);
	});

	test("that was stopped is started by the next call, and says so", async () => {
		const computer = open();
		await says(computer);
		await computer.stop();
		expect((await computer.inspect()).state).toBe("stopped");
		expect(await says(computer)).toBe("hi\n");
		expect(computer.notices).toEqual(["the machine was stopped and has been started; its shells are fresh"]);
	});

	test("that is on its way down when a call comes is waited for", async () => {
		await says(open());
		const down = new ComputerError("machine_gone", "it does not run");
		const connect = vi.spyOn(machine(), "connect").mockRejectedValueOnce(down).mockRejectedValueOnce(down);
		expect(await says(open())).toBe("hi\n");
		expect(connect).toHaveBeenCalledTimes(3);
	});

	test("that was started anew from outside says so", async () => {
		const computer = open();
		await says(computer);
		await machine().stop();
		await machine().start();
		expect(await says(computer)).toBe("hi\n");
		expect(computer.notices).toEqual(["the machine was started anew from outside; its shells are fresh"]);
	});

	test("that was started anew from outside says so, however it was found", async () => {
		await says(open());
		await machine().stop();
		const computer = open();
		await says(computer);
		const told = computer.news.count;
		await machine().stop();
		await machine().start();
		expect(await says(computer)).toBe("hi\n");
		expect(computer.news.since(told)).toEqual(["the machine was started anew from outside; its shells are fresh"]);
	});

	test("that was removed from outside is made anew, and says so", async () => {
		const computer = open();
		await says(computer);
		await machine().remove();
		expect(await says(computer)).toBe("hi\n");
		expect(computer.notices).toEqual(["the machine was removed from outside and has been made anew; its files are gone"]);
	});

	test("that could not be made anew is the one that another process has made since", async () => {
		const computer = open();
		const full = async () => {
			await machine().remove();
			vi.spyOn(driver, "create").mockRejectedValueOnce(new ComputerError("limit_reached", "there are too many"));
			await expect(says(computer)).rejects.toMatchObject({ code: "limit_reached" });
		};
		await says(computer);
		await full();
		await expect(computer.inspect()).rejects.toMatchObject({ code: "machine_gone" });
		await says(open());
		expect((await computer.inspect()).state).toBe("running");
		await full();
		// And none is no reason not to be removed.
		await computer.remove();
	});

	test("that another host has put another machine in the place of is looked at by several calls at once", async () => {
		const computer = open();
		await says(computer);
		await machine().remove();
		await driver.create(machineSpec({ name: "box" }));
		Object.assign(machine(), { id: "another" });
		const looks = await Promise.all([computer.inspect(), computer.inspect(), computer.inspect()]);
		expect(looks.map(({ state }) => state)).toEqual(["running", "running", "running"]);
	});

	test("that was only found is not made anew", async () => {
		await says(open());
		const found = open(false);
		await says(found);
		await machine().remove();
		await expect(says(found)).rejects.toMatchObject({ code: "machine_gone" });
	});

	test("that is broken is left alone, with its files, and the call says so", async () => {
		await says(open());
		const broken = machine();
		broken.state = "broken";
		await expect(says(open())).rejects.toMatchObject({ code: "machine_failed" });
		expect(machine()).toBe(broken);
		broken.state = "running";
	});

	test("that was removed by half is made anew, and says so", async () => {
		await says(open());
		machine().state = "broken";
		machine().halfRemoved = true;
		const computer = open();
		expect(await says(computer)).toBe("hi\n");
		expect(computer.notices).toEqual([expect.stringContaining("made anew")]);
	});

	test("tells each limit that was not applied once", async () => {
		await says(open());
		machine().warnings = ["no memory limit"];
		const computer = open();
		await says(computer);
		await computer.stop();
		await says(computer);
		expect(computer.notices.filter((notice) => notice === "no memory limit").length).toBe(1);
	});

	test("knows what was so before it came, and what it has made so", async () => {
		await says(open());
		machine().warnings = ["no memory limit"];
		await machine().stop();
		const computer = open();
		await says(computer);
		expect(computer.notices).toContain("no memory limit");
		expect(computer.news.happened).toEqual(["the machine was stopped and has been started; its shells are fresh"]);
		const slot = new Slot({ driver, name: "new", created: true });
		slot.noteWarnings(["no memory limit"]);
		expect(slot.notices.happened).toEqual(["no memory limit"]);
	});

	test("counts what it says: the same again is news, and so is what comes when the first are not kept any more", async () => {
		const computer = open();
		await says(computer);
		const stopped = "the machine was stopped and has been started; its shells are fresh";
		for (const _ of [1, 2]) {
			const told = computer.news.count;
			await computer.stop();
			await says(computer);
			expect(computer.news.since(told)).toEqual([stopped]);
		}
		const notices = new Notices();
		for (let index = 0; index < 250; index++) {
			notices.add(`${index}`);
			expect(notices.since(index)).toEqual([`${index}`]);
		}
		expect(notices.latest.length).toBe(100);
		expect(notices.since(0)).toEqual(notices.latest);
		expect(notices.since(250)).toEqual([]);
	});

	test("that is killed in the middle of a call: connection_lost, and the next call recovers", async () => {
		const computer = open();
		await says(computer);
		const lost = expect(computer.exec("sleep 20")).rejects.toMatchObject({ code: "connection_lost", retryable: true });
		await setTimeout(100);
		await machine().stop();
		await lost;
		expect(await says(computer)).toBe("hi\n");
	});

	test("that stands still is given up at the second ping, and used again when it goes on", async () => {
		vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
		const computer = open();
		await says(computer);
		const agent = machine().agent;
		await stopProcess(agent?.process.pid as number);
		const given = expect(computer.exec("echo never")).rejects.toMatchObject({ code: "connection_lost" });
		await vi.advanceTimersByTimeAsync(21_000);
		await given;
		agent?.process.kill("SIGCONT");
		expect(await says(computer)).toBe("hi\n");
		expect(computer.notices).toEqual([]);
	});

	test("that stands still while its files are saved is waited for, however long", async () => {
		vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
		const computer = open();
		await says(computer);
		const agent = machine().agent;
		await stopProcess(agent?.process.pid as number);
		machine().saving = true;
		const said = says(computer);
		await vi.advanceTimersByTimeAsync(61_000);
		machine().saving = false;
		agent?.process.kill("SIGCONT");
		expect(await said).toBe("hi\n");
		expect(computer.notices).toEqual([]);
	});

	test("removed is gone, removing again is fine, and calls say that the handle is over", async () => {
		const computer = open();
		await says(computer);
		await computer.remove();
		await computer.remove();
		expect(driver.machines.size).toBe(0);
		await expect(says(computer)).rejects.toMatchObject({ code: "invalid_argument", hint: "Open it again." });
		expect(driver.calls.create).toBe(1);
	});

	test("closed lives on", async () => {
		const computer = open();
		await computer.exec("cd /usr; left=here");
		await computer.close();
		await computer[Symbol.asyncDispose]();
		await expect(computer.restart()).rejects.toMatchObject({ code: "invalid_argument" });
		await expect(computer.inspect({ signal: {} as never })).rejects.toMatchObject({ code: "invalid_argument" });
		expect((await open().exec("echo $left")).stdout).toBe("here\n");
		expect((await open().exec("pwd")).stdout).toBe("/usr\n");
	});

	test("closed while a call connects: the call says so, for it was not canceled", async () => {
		const computer = open();
		let reached = () => {};
		const connecting = new Promise<void>((resolve) => {
			reached = resolve;
		});
		vi.spyOn(driver, "create").mockImplementationOnce(async (_spec, options?: { readonly signal?: AbortSignal | undefined }) => {
			reached();
			await new Promise((resolve) => options?.signal?.addEventListener("abort", resolve));
			throw new ComputerError("canceled", "The caller canceled it");
		});
		const calls = [says(computer), computer.files.list()].map((call) => expect(call).rejects.toMatchObject({ code: "invalid_argument" }));
		await connecting;
		await computer.close();
		await Promise.all(calls);
	});

	test("an abort while it is being made leaves the waiting caller alone", async () => {
		const controller = new AbortController();
		const computer = open();
		const first = computer.exec("echo a", { signal: controller.signal });
		const second = computer.exec("echo b");
		controller.abort();
		await expect(first).rejects.toMatchObject({ code: "canceled" });
		expect((await second).stdout).toBe("b\n");
	});
});
