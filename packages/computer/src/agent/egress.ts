/** The agent's way out, from the host's side: connections are announced, and taken, passed on, refused or carried. */
import type { ClientHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { abandon } from "./answer.js";
import type { Connection } from "./connection.js";
import { readJsonLines } from "./json-lines.js";
import { broken, type Json, oneOf, text, whole } from "./shapes.js";
import { tunnelStream } from "./tunnel-stream.js";

export interface EgressOrder {
	readonly on: boolean;
	/** PEM: what programs in the machine are told to trust. */
	readonly trust?: string;
	/** Ports of the machine's loopback that lead to a place outside. */
	readonly ports?: readonly { readonly port: number; readonly host: string; readonly hostPort: number }[];
	/** Further variables of every shell. */
	readonly env?: Readonly<Record<string, string>>;
}

export interface Refusal {
	readonly status: number;
	/** One line, which many programs show. */
	readonly reason: string;
	/** For who reads the answer's body. */
	readonly text: string;
}

/** A connection that a program in the machine wants. Exactly one of pass, refuse and accept. */
export interface Wanted {
	readonly via: "connect" | "socks" | "port" | "http";
	/** As asked for, unchecked. Empty with `http`, where each request names its own. */
	readonly host: string;
	readonly port: number;
	/** Says that a verdict will come. */
	take(): void;
	/** Another host process is to be asked. */
	pass(): void;
	refuse(refusal: Refusal): void;
	/** The bytes, both ways. `not_found` when the program has gone. */
	accept(): Promise<Duplex>;
}

const VIA = ["connect", "socks", "port", "http"] as const;
const MAX_LINE_BYTES = 4096;
/** Verdicts that the guest does not read. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** What was asked for, and what could not be had: ports that something in the machine has already. */
export async function orderEgress(connection: Connection, order: EgressOrder): Promise<{ readonly skipped: readonly number[] }> {
	const { skipped } = await connection.json("PUT", "/v1/egress", order as unknown as Json);
	return { skipped: Array.isArray(skipped) ? skipped.filter((port) => Number.isSafeInteger(port)) : [] };
}

/** Carries until the connection ends. `changed`: some host process, perhaps this one, has changed what is allowed. */
export async function carryEgress(connection: Connection, serve: (wanted: Wanted) => void, changed: () => void): Promise<void> {
	const stream = await connection.stand("POST", "/v1/egress");
	void readJsonLines(stream, { maxLineBytes: MAX_LINE_BYTES, maxBytes: Number.POSITIVE_INFINITY }, (json) => {
		if (json["changed"] === true) changed();
		else serve(wanted(connection, stream, json));
	}).catch(() => abandon(stream));
}

function wanted(connection: Connection, stream: ClientHttp2Stream, json: Json): Wanted {
	const id = text(json, "id");
	if (!/^\d{1,20}$/.test(id)) throw broken("expected a number as a connection's id");
	const via = oneOf(json, "via", VIA);
	const say = (verdict: object) => {
		if (stream.destroyed || stream.closed || stream.writableEnded) return;
		stream.write(`${JSON.stringify({ id, ...verdict })}\n`);
		if (stream.writableLength > MAX_UNREAD_BYTES) abandon(stream);
	};
	return {
		via,
		host: via === "http" ? "" : text(json, "host"),
		port: via === "http" ? 0 : whole(json, "port"),
		take: () => say({ take: true }),
		pass: () => say({ pass: true }),
		refuse: (refuse) => say({ refuse }),
		accept: async () => tunnelStream((await connection.open("POST", `/v1/egress/${id}`)).stream),
	};
}
