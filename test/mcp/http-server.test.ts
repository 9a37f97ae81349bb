import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Server } from "node:http";
import { expect, test } from "vitest";
import { serveHttp } from "../../packages/computer/src/http/server.js";

test("a connection that cannot be accepted is told, and the next one is", async () => {
	const told: unknown[] = [];
	let listener: Server | undefined;
	const see = (message: unknown) => {
		listener = (message as { readonly server: Server }).server;
	};
	subscribe("http.server.request.start", see);
	const token = "a-token-of-the-tests-0123456789";
	const server = await serveHttp({
		address: "127.0.0.1",
		port: 0,
		token,
		hosts: ["127.0.0.1"],
		routes: { "/": async (_, response) => void response.end("here") },
		onError: (error) => void told.push(error),
	});
	const ask = async () => (await fetch(server.origin, { headers: { authorization: `Bearer ${token}` } })).text();
	try {
		expect(await ask()).toBe("here");
		// A kernel without memory is not to be had: what Node does then.
		const errors = [new Error("accept ENOMEM"), new Error("accept ENOMEM again")];
		for (const error of errors) listener?.emit("error", error);
		expect(told).toEqual(errors);
		expect(await ask()).toBe("here");
	} finally {
		unsubscribe("http.server.request.start", see);
		await server.close();
	}
});
