/** Guests for tests: one that speaks the protocol as it is told to, one of raw bytes, and the real agent as a plain process. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import net from "node:net";
import { arch, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { Connection } from "../../packages/computer/src/agent/connection.js";
import { AgentLink } from "../../packages/computer/src/agent/link.js";

/**
 * Two ends of one byte stream. Destroying one ends the other. What is written arrives a moment later, as it does between processes: Node's HTTP/2 takes no
 * bytes from within a write of its own, and aborts (node_http2.cc, "is_reading_stopped").
 */
function duplexPair(): [Duplex, Duplex] {
	const end = (other: () => Duplex, release: { go?: () => void }, next: { go?: () => void }): Duplex =>
		new Duplex({
			read: () => {
				const go = release.go;
				delete release.go;
				go?.();
			},
			write: (chunk, _encoding, done) => {
				process.nextTick(() => {
					if (other().destroyed) return done();
					if (other().push(chunk)) done();
					else next.go = done;
				});
			},
			final: (done) => {
				process.nextTick(() => {
					if (!other().destroyed) other().push(null);
					done();
				});
			},
			destroy: (error, done) => {
				if (!other().destroyed) other().destroy();
				done(error);
			},
		});
	const left: { go?: () => void } = {};
	const right: { go?: () => void } = {};
	const a: Duplex = end(() => b, left, right);
	const b: Duplex = end(() => a, right, left);
	return [a, b];
}

export type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: () => Promise<Buffer>) => void | Promise<void>;

export const HELLO = { generation: 1, version: "test", boot: "b1", shell: "/bin/sh", arch: "amd64", pid: 1 };

export interface FakeGuest {
	readonly link: AgentLink;
	connection(): Promise<Connection>;
	/** How many connections were made. */
	readonly connections: number;
	/** The streams broke: as when the machine is killed. */
	kill(): void;
	/** The streams ended, in order. */
	end(): void;
}

/** A guest that answers hello, and everything else by the handler. */
export function fakeGuest(handler: Handler, hello: object = HELLO): FakeGuest {
	const server = http2.createServer();
	server.on("stream", (stream, headers) => {
		stream.on("error", () => {});
		if (headers[":path"] === "/v1/hello") return json(stream, hello);
		void handler(stream, headers, async () => {
			const chunks: Buffer[] = [];
			for await (const chunk of stream) chunks.push(chunk as Buffer);
			return Buffer.concat(chunks);
		});
	});
	server.on("sessionError", () => {});
	const open = new Set<Duplex>();
	let connections = 0;
	const connect = async () => {
		const [host, guest] = duplexPair();
		open.add(host);
		connections++;
		server.emit("connection", guest);
		return host;
	};
	const link = new AgentLink({ connect: async (begin) => begin(await connect()) });
	onTestFinished(() => link.close());
	return {
		link,
		connection: async () => link.get(),
		get connections() {
			return connections;
		},
		kill: () => {
			for (const duplex of open) duplex.destroy();
		},
		end: () => {
			for (const duplex of open) duplex.push(null);
		},
	};
}

/** What the host sees of a guest that is no agent at all. */
export async function rawGuest(behave: (guest: Duplex) => void): Promise<Connection> {
	const [host, guest] = duplexPair();
	guest.on("error", () => {});
	guest.resume();
	behave(guest);
	const connection = await Connection.open(host, undefined, 2_000);
	onTestFinished(() => connection.close());
	return connection;
}

export function json(stream: ServerHttp2Stream, value: unknown, status = 200): void {
	stream.respond({ ":status": status, "content-type": "application/json" });
	stream.end(JSON.stringify(value));
}

/** A frame of HTTP/2 as it is on the wire (RFC 9113, 4.1). */
export function wire(type: number, flags: number, stream: number, payload: Buffer | string = ""): Buffer {
	const bytes = Buffer.from(payload);
	const header = Buffer.alloc(9);
	header.writeUIntBE(bytes.length, 0, 3);
	header[3] = type;
	header[4] = flags;
	header.writeUInt32BE(stream, 5);
	return Buffer.concat([header, bytes]);
}

export function frame(type: number, payload: string | Buffer | object): Buffer {
	const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
	const header = Buffer.alloc(5);
	header[0] = type;
	header.writeUInt32BE(bytes.length, 1);
	return Buffer.concat([header, bytes]);
}

export const STARTED = frame(3, { id: "7", session: "main" });

export function result(fields: object = {}): Buffer {
	const none = { bytes: 0, omittedBytes: 0 };
	const base = { id: "7", session: "main", exitCode: 0, timedOut: false, running: false, durationMs: 1, cwd: "/", shell: "kept" };
	return frame(4, { ...base, stdout: none, stderr: none, ...fields });
}

const AGENT = fileURLToPath(
	new URL(`../../packages/computer/agent/agent-linux-${arch() === "arm64" ? "arm64" : "amd64"}`, import.meta.url),
);

/** Why the real agent cannot run here, for a test's title; undefined when it can. */
export const NO_AGENT = platform() !== "linux" ? "the agent runs on Linux" : existsSync(AGENT) ? undefined : "the agent was not built";

export interface RealAgent {
	readonly directory: string;
	readonly process: ChildProcess;
	connect(): Promise<Duplex>;
	stop(): Promise<void>;
}

/** The real agent in a directory of its own, not as PID 1. */
export async function startAgent(): Promise<RealAgent> {
	const directory = mkdtempSync(join(tmpdir(), "lms-agent-"));
	const socket = join(directory, "socket");
	const argv = [
		"init",
		"--socket",
		socket,
		"--run-dir",
		join(directory, "run"),
		"--spool-dir",
		join(directory, "spool"),
		"--home",
		join(directory, "home"),
	];
	const child = spawn(AGENT, argv, { stdio: "inherit" });
	const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
	const connect = () =>
		new Promise<Duplex>((resolve, reject) => {
			const connection = net.connect(socket, () => resolve(connection));
			connection.once("error", reject);
		});
	// The socket is there a moment before it listens.
	for (;;) {
		try {
			(await connect()).destroy();
			break;
		} catch (error) {
			if (child.exitCode !== null) throw error;
			await setTimeout(5);
		}
	}
	return {
		directory,
		process: child,
		connect,
		stop: async () => {
			child.kill("SIGTERM");
			child.kill("SIGCONT");
			await exited;
			// Its shells go a moment later than an agent that is not PID 1.
			await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
		},
	};
}
