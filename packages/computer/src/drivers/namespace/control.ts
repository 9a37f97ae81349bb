/** The supervisor's socket: it says `ready` when the machine is up, takes `stop`, and closes when all is cleaned up. */
import { connect, type Socket } from "node:net";
import { ComputerError } from "../../errors/index.js";
import { DEADLINES } from "../../limits.js";
import { cancellation, throwIfCanceled } from "./deadline.js";

const MAX_ANSWER_LENGTH = 4096;

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
			then();
		};
		const onError = (error: NodeJS.ErrnoException) => settle(() => (ABSENT.has(error.code ?? "") ? resolve(undefined) : reject(error)));
		signal?.addEventListener("abort", onAbort, { once: true });
		// For good: it may break before anybody listens, and an error that nobody hears of ends the process.
		socket.on("error", onError);
		socket.once("connect", () => (signal?.aborted ? socket.destroy() : settle(() => resolve(socket))));
	});
}

/** Undefined when its supervisor does not listen. One that is on its way up is said to run. */
export async function supervisedState(path: string, signal?: AbortSignal): Promise<"running" | "paused" | undefined> {
	const answer = await ask(path, "state", AbortSignal.any([AbortSignal.timeout(DEADLINES.probeMs), ...(signal ? [signal] : [])]));
	if (signal?.aborted) throw cancellation(signal);
	return answer === undefined ? undefined : answer === "paused" ? "paused" : "running";
}

/** Lets a machine go on that somebody else has made stand still. */
export async function resumeSupervised(path: string, signal: AbortSignal): Promise<void> {
	await ask(path, "resume", signal);
}

/** Waits until the machine is up; false when it is not, or ends first. */
export async function isReady(path: string, signal: AbortSignal): Promise<boolean> {
	const socket = await connectSocket(path, signal);
	return socket !== undefined && until(socket, signal, "data");
}

/** Stops a machine that is up and waits until nothing is left of it. `halt`: an ephemeral one is to be started again, and keeps its files. */
export async function stopSupervisor(path: string, how: "stop" | "halt", signal: AbortSignal): Promise<void> {
	const socket = await connectSocket(path, signal);
	if (socket === undefined) return;
	socket.write(`${how}\n`);
	socket.resume();
	await until(socket, signal, "close");
}

/** Sets limits of a machine that is up, 0 means none; false when it is not. */
export async function limitSupervised(path: string, limits: object, signal: AbortSignal): Promise<boolean> {
	const answer = await ask(path, `limit ${JSON.stringify(limits)}`, signal);
	if (signal.aborted) throw cancellation(signal);
	if (answer !== undefined && answer !== "" && answer !== "limited") throw notLimited(answer);
	return answer === "limited";
}

/** Gives a machine that is up another name; false when it is not up. */
export async function renameSupervised(path: string, name: string, signal: AbortSignal): Promise<boolean> {
	const answer = await ask(path, `rename ${name}`, signal);
	if (signal.aborted) throw cancellation(signal);
	if (answer === undefined || answer === "") return false;
	if (answer === "renamed") return true;
	const exists = answer === "not renamed: exists";
	throw new ComputerError(
		exists ? "already_exists" : "machine_failed",
		exists ? `A computer named ${name} is there already` : `The machine can not be named ${name}: ${answer}`,
		{ context: { name, driver: "namespace" } },
	);
}

/** The line that a supervisor answers; "" when it ends or time is up before it does, undefined when there is none. */
async function ask(path: string, question: string, signal: AbortSignal): Promise<string | undefined> {
	const socket = await connectSocket(path, signal);
	if (socket === undefined) return undefined;
	const onAbort = () => socket.destroy();
	signal.addEventListener("abort", onAbort, { once: true });
	let text = "";
	try {
		socket.on("error", () => {}); // its end says so
		socket.write(`${question}\n`);
		for await (const chunk of socket.setEncoding("utf8")) {
			text += chunk;
			const answer = /^ready\n(.*)\n/.exec(text)?.[1];
			if (answer !== undefined) return answer;
			if (text.length > MAX_ANSWER_LENGTH) break;
		}
	} catch {
		// Destroyed, or broken: no answer.
	} finally {
		signal.removeEventListener("abort", onAbort);
		socket.destroy();
	}
	return "";
}

function notLimited(answer: string): ComputerError {
	const reason = answer.replace(/^not limited: /, "");
	if (/resource busy/.test(reason)) {
		return new ComputerError("busy", `The machine uses more memory than the new limit: ${reason}`, {
			hint: "End some of its programs first, or choose a higher limit.",
		});
	}
	return new ComputerError("not_supported", `The limit can not be changed: ${reason}`, { context: { driver: "namespace" } });
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
