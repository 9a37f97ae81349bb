/**
 * `podman system service` on a socket of our own, shared by all our processes of this user. It outlives the one that started it and
 * ends by itself when it was idle for a while; it then removes its socket. The user's configuration is read by it, never written.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { chmod, lstat, mkdir, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Abortable } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import { cleanWords } from "../engine/errors.js";
import { Flights } from "../engine/flights.js";
import { findProgram, type Host, runtimeDirectories, temporaryDirectory } from "../engine/host.js";
import { lockStart } from "./start-lock.js";
import { ownTemporaryDirectory } from "./temporary.js";

/** Long enough for a model to think between two calls; an open connection keeps it awake anyway. */
const IDLE_SECONDS = 300;
/** The first start of a rootless Podman sets its storage up. */
const START_MS = 15_000;
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const flights = new Flights<string>("start its service");

export interface ServiceOptions extends Abortable {
	readonly idleSeconds?: number;
}

/** The path of the socket of a running service; undefined where there is no Podman to start. */
export async function startService(host: Host, options: ServiceOptions = {}): Promise<string | undefined> {
	const program = host.platform === "linux" ? findProgram("podman", host) : undefined;
	if (program === undefined) return undefined;
	const directory = await privateDirectory(host);
	const env = serviceEnvironment(host);
	const socket = join(directory, `podman-${fingerprint(env)}.sock`);
	return await flights.run(
		socket,
		async () => {
			await ensureRunning(program, socket, host, env, options);
			return socket;
		},
		options,
	);
}

async function ensureRunning(program: string, socket: string, host: Host, env: NodeJS.ProcessEnv, options: ServiceOptions): Promise<void> {
	const deadline = Date.now() + START_MS;
	for (;;) {
		if (await answers(socket)) return;
		const unlock = await lockStart(`${socket}.start`, deadline, options.signal);
		if (unlock === undefined) continue;
		try {
			// It may have come up while we waited for the lock.
			if (!(await answers(socket))) {
				const temporary = await ownTemporaryDirectory(host, socket);
				await launch(program, socket, temporary === undefined ? env : { ...env, TMPDIR: temporary }, deadline, options);
			}
			return;
		} finally {
			await unlock();
		}
	}
}

async function launch(program: string, socket: string, env: NodeJS.ProcessEnv, deadline: number, options: ServiceOptions): Promise<void> {
	// A file, not a pipe: the service outlives us, and a write to a broken pipe would end it.
	const log = `${socket}.${randomBytes(4).toString("hex")}.log`;
	const fd = openSync(log, "wx", 0o600);
	try {
		const argv = ["system", "service", `--time=${options.idleSeconds ?? IDLE_SECONDS}`, `unix://${socket}`];
		const child = spawn(program, argv, { env, cwd: "/", detached: true, stdio: ["ignore", "ignore", fd] });
		child.unref();
		let ended: string | undefined;
		child.once("error", (error) => (ended = error.message));
		child.once("exit", (code, signal) => (ended = `it ended with ${signal ?? `code ${code}`}`));
		for (let waitMs = 5; !(await answers(socket)); waitMs = Math.min(waitMs * 2, 100)) {
			const reason =
				ended ?? (options.signal?.aborted ? "canceled" : Date.now() > deadline ? `it was not up within ${START_MS} ms` : undefined);
			if (reason !== undefined) {
				child.kill();
				throw await explain(reason, log, options.signal);
			}
			await sleep(waitMs);
		}
	} finally {
		closeSync(fd);
		await rm(log, { force: true });
	}
}

async function explain(reason: string, log: string, signal: AbortSignal | undefined): Promise<ComputerError> {
	if (signal?.aborted) return new ComputerError("canceled", "It was canceled before Podman's service was up", { cause: signal.reason });
	const words = cleanWords(await readFile(log, "utf8").catch(() => ""));
	return new ComputerError("driver_unavailable", `\`podman system service\` did not start: ${reason}${words === "" ? "" : `: ${words}`}`, {
		hint: "Look at what `podman info` says.",
	});
}

function answers(socket: string): Promise<boolean> {
	return new Promise((resolve) => {
		const connection = connect(socket);
		connection.once("connect", () => {
			connection.destroy();
			resolve(true);
		});
		connection.once("error", () => resolve(false));
	});
}

/** Nobody else may put a socket where we will connect: whoever listens there is root for the machines. */
async function privateDirectory(host: Host): Promise<string> {
	const parents = [...runtimeDirectories(host), ...(host.uid === 0 ? ["/run"] : []), temporaryDirectory(host)];
	const failures: string[] = [];
	for (const parent of parents) {
		const path = join(parent, `lms-computer-${host.uid}`);
		try {
			await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
				if (error.code !== "EEXIST") throw error;
			});
			const found = await lstat(path);
			if (!found.isDirectory() || found.uid !== host.uid) throw new Error(`${path} is somebody else's`);
			if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
			return path;
		} catch (error) {
			failures.push((error as Error).message);
		}
	}
	throw new ComputerError(
		"driver_unavailable",
		`A private directory for Podman's socket was expected in one of ${parents.join(", ")}: ${failures.join("; ")}`,
	);
}

/** What a service needs that a plugin host may have stripped: Podman finds its runtime by PATH, and its storage by HOME. */
function serviceEnvironment(host: Host): NodeJS.ProcessEnv {
	const runtime = host.uid === 0 ? undefined : runtimeDirectories(host)[0];
	return {
		...host.env,
		PATH: host.env["PATH"] || DEFAULT_PATH,
		HOME: host.home,
		...(runtime === undefined ? {} : { XDG_RUNTIME_DIR: runtime }),
	};
}

/** Services that would read another configuration are not shared. */
function fingerprint(env: NodeJS.ProcessEnv): string {
	const decisive = Object.entries(env).filter(([key]) =>
		/^(CONTAINERS?_|STORAGE_|PODMAN_|XDG_(CONFIG|DATA)_HOME$|HOME$|(HTTPS?|NO)_PROXY$)/i.test(key),
	);
	return createHash("sha256").update(JSON.stringify(decisive.sort())).digest("hex").slice(0, 8);
}
