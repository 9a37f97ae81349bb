/**
 * A server of TLS 1.3 may answer a hello with a HelloRetryRequest, and the name in the second hello is the one that it then goes by. So no more than the
 * first goes to it until it has said whether it wants another; a client waits for that anyway.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { asksForAnother } from "./client-hello.js";
import { type Beginning, beginning, classifySecond } from "./first-bytes.js";

/** More than a server says before its hello, which are alerts. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Undefined: there is none, or one side has ended.
 *
 * @param end how many bytes the first hello has: they are still to be read from the client
 */
export async function secondBeginning(client: Duplex, server: Socket, end: number): Promise<Beginning | undefined> {
	const answer = answerOf(server);
	const first = client.read(end) as Buffer | null;
	if (first === null) return undefined;
	server.write(first);
	return (await answer) ? await beginning(client, classifySecond) : undefined;
}

/** The client gets all of it meanwhile: it is only listened to. */
function answerOf(server: Socket): Promise<boolean> {
	return new Promise((resolve) => {
		let bytes: Buffer = Buffer.alloc(0);
		const finish = (asks: boolean) => {
			server.off("data", look);
			for (const event of ["end", "close", "error"]) server.off(event, none);
			resolve(asks);
		};
		const none = () => finish(false);
		const look = (chunk: Buffer) => {
			bytes = Buffer.concat([bytes, chunk]);
			const asks = asksForAnother(bytes);
			// What is no hello yet after so much is taken for the worse.
			if (asks !== undefined || bytes.length > MAX_ANSWER_BYTES) finish(asks ?? true);
		};
		server.on("data", look);
		for (const event of ["end", "close", "error"]) server.once(event, none);
	});
}
