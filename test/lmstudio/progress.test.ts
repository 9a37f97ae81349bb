import type { Computer } from "lms-computer";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tellProgress } from "../../packages/lmstudio/src/progress.js";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What the user was told, and how often all commands were listed, after so many seconds. */
async function told(command: string, commands: readonly object[], seconds: number, tool = "Execute") {
	const statuses: string[] = [];
	let lists = 0;
	const computer = {
		commands: {
			list: async () => {
				lists++;
				return commands;
			},
			output: async () => ({ bytes: Buffer.from("one\n"), offset: 0, totalBytes: 4 }),
		},
	} as unknown as Computer;
	const onStatus = (text: string) => void statuses.push(text);
	const end = tellProgress({ tool, args: { command }, session: "main", computer: () => computer, onStatus });
	await vi.advanceTimersByTimeAsync(seconds * 1000);
	end();
	return { last: statuses.at(-1), lists };
}

const state = (command: string, more: object = {}) => ({ id: "1", command, session: "main", running: true, ...more });

test("the command's own lines are told, not those of one that begins like it or is another chat's", async () => {
	expect((await told("make test", [state("make test")], 2)).last).toMatch(/^make test · \d s · 2 lines$/);
	const others = [state("make"), state("make test", { session: "chat-2" }), state("make test", { running: false })];
	expect((await told("make test", others, 2)).last).toMatch(/^make test · \d s$/);
});

test("a long one is known by its first 4 KiB, whatever was cut there", async () => {
	const long = `echo ${"€".repeat(3000)}`;
	const known = Buffer.from(long).subarray(0, 4096).toString();
	expect(known).toMatch(/\ufffd$/);
	expect((await told(long, [state(known)], 2)).last).toContain("2 lines");
});

test("one that is not found is looked for less and less often", async () => {
	expect((await told("$ make", [state("make")], 60)).lists).toBe(6);
});
