import { expect, test } from "vitest";
import { inTurn } from "../../packages/computer/src/turn.js";

test("who gives up while it waits leaves the one that runs to be waited for", async () => {
	const order: string[] = [];
	let end = () => {};
	const first = inTurn("one", undefined, async () => {
		await new Promise<void>((resolve) => {
			end = resolve;
		});
		order.push("first");
	});
	const impatient = new AbortController();
	const second = inTurn("one", impatient.signal, async () => order.push("second"));
	impatient.abort();
	await expect(second).rejects.toMatchObject({ code: "canceled" });
	const third = inTurn("one", undefined, async () => order.push("third"));
	await inTurn("another", undefined, async () => order.push("of another key"));
	end();
	await Promise.all([first, third]);
	expect(order).toEqual(["of another key", "first", "third"]);
});
