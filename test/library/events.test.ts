import { expect, test } from "vitest";
import type { AgentLink } from "../../packages/computer/src/agent/link.js";
import { type ComputerEvent, Events } from "../../packages/computer/src/events.js";
import { fakeGuest } from "../agent/guest.js";

/** Reads in the background. */
function follow(link: AgentLink, signal?: AbortSignal) {
	const seen: ComputerEvent["type"][] = [];
	const events = new Events(link);
	const over = (async () => {
		for await (const { type } of events.read({ signal })) seen.push(type);
	})();
	return { events, seen, over };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test("a loop ends well with its holder, and has all that was said until then", async () => {
	const guest = fakeGuest((stream) => stream.respond({ ":status": 200 }));
	await guest.connection();
	const { events, seen, over } = follow(guest.link);
	await turn();
	events.emit({ type: "removed", text: "removed" });
	guest.link.close();
	await over;
	expect(seen).toContain("removed");
});

test("a loop that waits for a connection ends with its holder, too, and with its signal by an error", async () => {
	const guest = fakeGuest((stream) => stream.respond({ ":status": 200 }));
	const stop = new AbortController();
	const [closed, stopped] = [follow(guest.link), follow(guest.link, stop.signal)];
	await turn();
	stop.abort();
	await expect(stopped.over).rejects.toMatchObject({ code: "canceled" });
	guest.link.close();
	await closed.over;
});

test("an agent that ends its answer is asked again over the next connection alone", async () => {
	let asked = 0;
	const guest = fakeGuest((stream) => {
		asked++;
		stream.respond({ ":status": 200 });
		stream.end();
	});
	await guest.connection();
	const { seen, over } = follow(guest.link);
	while (seen.length === 0) await turn();
	for (let turns = 0; turns < 5; turns++) await turn();
	expect([asked, seen]).toEqual([1, ["disconnected"]]);
	guest.link.drop();
	await guest.connection();
	while (seen.length === 1) await turn();
	expect(asked).toBe(2);
	guest.link.close();
	await over;
});
