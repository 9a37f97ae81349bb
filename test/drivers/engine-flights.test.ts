import { expect, test } from "vitest";
import type { Progress } from "../../packages/computer/src/driver.js";
import { canceled } from "../../packages/computer/src/drivers/engine/deadline.js";
import { Flights } from "../../packages/computer/src/drivers/engine/flights.js";

const STEP: Progress = { phase: "pull", message: "half", fraction: 0.5 };

test("who waits for another's work is told how far it is, and may stop waiting, which ends nobody else's", async () => {
	const flights = new Flights<string>("pull the image");
	let land: (result: string) => void = () => {};
	let tell = (_: Progress) => {};
	const first = flights.run(
		"one",
		(onProgress) => {
			tell = onProgress;
			return new Promise((resolve) => {
				land = resolve;
			});
		},
		{},
	);
	const never = async () => "a second run";
	const told: Progress[] = [];
	const impatient = new AbortController();
	const second = flights.run("one", never, { signal: impatient.signal, onProgress: (step) => told.push(step) });
	const third = flights.run("one", never, {});
	tell(STEP);
	expect(told).toEqual([STEP]);
	impatient.abort();
	await expect(second).rejects.toMatchObject({ code: "canceled", message: "It was canceled before it could pull the image" });
	tell(STEP);
	expect(told).toEqual([STEP]);
	land("the first one's");
	expect(await Promise.all([first, third])).toEqual(["the first one's", "the first one's"]);
});

test("a listener that throws ends nothing", async () => {
	const flights = new Flights<string>("pull the image");
	const told: Progress[] = [];
	const bad = () => {
		throw new Error("mine");
	};
	const first = flights.run(
		"one",
		async (onProgress) => {
			await Promise.resolve();
			onProgress(STEP);
			return "the first one's";
		},
		{ onProgress: bad },
	);
	const second = flights.run("one", async () => "a second run", { onProgress: (step) => told.push(step) });
	expect(await Promise.all([first, second])).toEqual(["the first one's", "the first one's"]);
	expect(told).toEqual([STEP]);
});

test("who waits takes over from one that was canceled", async () => {
	const flights = new Flights<string>("pull the image");
	let cancel = () => {};
	const first = flights.run(
		"one",
		() =>
			new Promise((_, reject) => {
				cancel = () => reject(canceled("pull the image", undefined));
			}),
		{},
	);
	const second = flights.run("one", async () => "the second one's", {});
	cancel();
	await expect(first).rejects.toMatchObject({ code: "canceled" });
	expect(await second).toBe("the second one's");
});
