/** What happens in a computer, whoever caused it: commands that begin and end. */
import type { Abortable } from "../driver.js";
import { BOUNDS } from "../limits.js";
import { type CommandState, commandState } from "./commands.js";
import type { Connection } from "./connection.js";
import { readJsonLines } from "./json-lines.js";
import { plainStream } from "./plain-stream.js";
import { asObject, count, type Json, text } from "./shapes.js";

export type CommandEvent =
	| { readonly type: "begin" | "end"; readonly command: CommandState }
	/** So many were missed by a reader that was too slow. */
	| { readonly type: "lost"; readonly count: number };

/** Hands on what happens from now on. Resolves when the connection has ended, rejects with `canceled`. */
export async function readEvents(connection: Connection, take: (event: CommandEvent) => void, { signal }: Abortable): Promise<void> {
	const { stream } = await connection.open("GET", "/v1/events", signal);
	const bounds = { maxLineBytes: BOUNDS.eventBytes, maxBytes: Number.POSITIVE_INFINITY };
	await readJsonLines(plainStream(stream, { signal, writable: false }), bounds, (json) => {
		const event = eventOf(json);
		if (event !== undefined) take(event);
	});
}

/** Undefined for one of a newer agent. */
function eventOf(json: Json): CommandEvent | undefined {
	const type = text(json, "type");
	if (type === "lost") return { type, count: count(json, "count") };
	return type === "begin" || type === "end" ? { type, command: commandState(asObject(json["command"], "command")) } : undefined;
}
