import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import type { ComputerError } from "../../errors/index.js";
import { withDeadline } from "../engine/deadline.js";
import { engineError } from "../engine/errors.js";

/**
 * A lock between processes that a killed holder can not leave behind: holding it is listening on a socket. Who comes second connects
 * and learns from the end of that connection that the holder is done, however it ended.
 * @returns how to unlock, or undefined after somebody else held it: look again
 */
export async function lockStart(path: string, deadline: number, signal?: AbortSignal): Promise<(() => Promise<void>) | undefined> {
	const unlock = await tryLock(path);
	if (unlock !== undefined) return unlock;
	const action = "start its service";
	const onTimeout = (): ComputerError => engineError({ message: "another process is starting it and does not finish" }, "Podman", action);
	const deadlineMs = Math.max(0, deadline - Date.now());
	await withDeadline((abort) => waitForHolder(path, abort), { signal, deadlineMs, onTimeout, action });
	return undefined;
}

function tryLock(path: string): Promise<(() => Promise<void>) | undefined> {
	return new Promise((resolve, reject) => {
		const waiting = new Set<Socket>();
		const server = createServer((connection) => {
			waiting.add(connection);
			connection.on("error", () => {});
		});
		const unlock = (): Promise<void> =>
			new Promise((closed) => {
				server.close(() => closed());
				for (const connection of waiting) connection.destroy();
			});
		server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
		server.listen(path, () => resolve(unlock));
	});
}

async function waitForHolder(path: string, signal: AbortSignal): Promise<void> {
	const refused = await new Promise<boolean>((resolve) => {
		const connection = connect(path);
		const give = (): unknown => connection.destroy();
		signal.addEventListener("abort", give, { once: true });
		connection.resume();
		let code: string | undefined;
		connection.once("error", (error: NodeJS.ErrnoException) => {
			code = error.code;
		});
		connection.once("close", () => {
			signal.removeEventListener("abort", give);
			resolve(code === "ECONNREFUSED");
		});
	});
	// The holder was killed: its name is left, and nobody behind it.
	if (refused) await rm(path, { force: true });
}
