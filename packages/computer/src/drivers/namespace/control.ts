/** The supervisor's socket: it says `ready` when the machine is up, takes `stop`, and closes when all is cleaned up. */
import { connect, type Socket } from "node:net";
import { cancellation, throwIfCanceled } from "./deadline.js";

/** Nothing there, nobody listens, or it stopped listening at this moment. */
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ECONNREFUSED", "ECONNRESET"]);

/** A connected unix socket, or undefined when nobody listens there. */
export async function connectSocket(path: string, signal?: AbortSignal): Promise<Socket | undefined> {
	throwIfCanceled(signal);
	return new Promise((resolve, reject) => {
		const socket = connect({ path });
		const onAbort = () => settle(() => reject(cancellation(signal)));
		const settle = (then: () => void) => {
			signal?.removeEventListener("abort", onAbort);
			socket.removeListener("error", onError);
			then();
		};
		const onError = (error: NodeJS.ErrnoException) => settle(() => (ABSENT.has(error.code ?? "") ? resolve(undefined) : reject(error)));
		signal?.addEventListener("abort", onAbort, { once: true });
		socket.once("error", onError);
		socket.once("connect", () => (signal?.aborted ? socket.destroy() : settle(() => resolve(socket))));
	});
}

/** True when a machine is up or on its way: its supervisor listens. */
export async function isSupervised(path: string, signal?: AbortSignal): Promise<boolean> {
	const socket = await connectSocket(path, signal);
	socket?.destroy();
	return socket !== undefined;
}

/** Waits until the machine is up; false when it is not, or ends first. */
export async function isReady(path: string, signal: AbortSignal): Promise<boolean> {
	const socket = await connectSocket(path, signal);
	return socket !== undefined && until(socket, signal, "data");
}

/** Stops a machine that is up and waits until nothing is left of it. */
export async function stopSupervisor(path: string, signal: AbortSignal): Promise<void> {
	const socket = await connectSocket(path, signal);
	if (socket === undefined) return;
	socket.write("stop\n");
	socket.resume();
	await until(socket, signal, "close");
}

/** True for the event, false when the socket closes before it. */
function until(socket: Socket, signal: AbortSignal, event: "data" | "close"): Promise<boolean> {
	return new Promise<boolean>((resolve, reject) => {
		socket.on("error", () => {}); // `close` follows
		socket.once(event, () => resolve(true));
		socket.once("close", () => resolve(event === "close"));
		const onAbort = () => reject(cancellation(signal));
		if (signal.aborted) onAbort();
		signal.addEventListener("abort", onAbort, { once: true });
	}).finally(() => socket.destroy());
}
