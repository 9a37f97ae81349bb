/** Files between the host and the computer, and only the folders of the host that the door allowed. */
import { basename } from "node:path";
import { TOOL_LIMITS } from "../limits.js";
import { showLine } from "./clean.js";
import { HINTS, list, parameters, STANDARD, text, tool, whole } from "./define.js";
import { ToolFailure } from "./failure.js";
import { fitting } from "./fitting.js";
import { hostDestination, hostSource } from "./host-folders.js";
import { guestPath, lastName } from "./place.js";
import type { Answer, ToolCall } from "./tool.js";

const RESULT = { hostPath: text(), containerPath: text(), entries: whole(), bytes: whole(), skipped: list(text()) };

export const uploadFile = tool({
	name: "UploadFile",
	title: "Copy in",
	description: "Copy a file or folder of the user's into the computer.",
	input: parameters({ hostPath: text(), "containerPath?": text() }),
	output: RESULT,
	hints: { ...HINTS.REPLACE, openWorld: true },
	profiles: STANDARD,
	run: upload,
});

export const downloadFile = tool({
	name: "DownloadFile",
	title: "Copy out",
	description: "Copy a file or folder out to the user.",
	input: parameters({ containerPath: text(), "hostPath?": text() }),
	output: RESULT,
	hints: { ...HINTS.REPLACE, openWorld: true },
	profiles: STANDARD,
	run: download,
});

const BOUNDS = { maxBytes: TOOL_LIMITS.transferBytes, maxEntries: TOOL_LIMITS.transferEntries } as const;

async function upload(call: ToolCall): Promise<Answer> {
	const { hostPath, containerPath } = call.args as { hostPath: string; containerPath?: string };
	const held = await hostSource(call.settings.hostFolders, hostPath);
	try {
		const computer = await call.computer();
		const name = basename(held.shown);
		const to = await target(call, containerPath, name);
		call.status(`copying ${name} in`);
		const { signal } = call;
		if (held.file === undefined) {
			const done = await computer.files.upload(held.path, to, { ...BOUNDS, signal });
			return result(call, held.shown, to, { hostPath: held.shown, containerPath: to, ...done });
		}
		const { size, mode } = await held.file.stat();
		if (size > BOUNDS.maxBytes) throw tooLarge(size);
		// Bytes are counted as they come: a file may grow.
		const entry = await computer.files.write(to, bounded(held.file.createReadStream({ autoClose: false, start: 0 })), {
			mode: mode & 0o777,
			signal,
		});
		const facts = { hostPath: held.shown, containerPath: entry.path, entries: 1, bytes: entry.size, skipped: [] };
		return result(call, held.shown, entry.path, facts);
	} finally {
		await held.release();
	}
}

async function* bounded(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
	let bytes = 0;
	for await (const chunk of source) {
		bytes += chunk.length;
		if (bytes > BOUNDS.maxBytes) throw tooLarge(bytes);
		yield chunk;
	}
}

function tooLarge(bytes: number): ToolFailure {
	return new ToolFailure({
		code: "too_large",
		message: `expected at most ${BOUNDS.maxBytes} bytes to copy, got ${bytes}`,
		hint: "Ask the user for a part of it, or for a shared folder.",
		next: "",
	});
}

/** Into a folder that is there, or as that name. */
async function target(call: ToolCall, containerPath: string | undefined, name: string): Promise<string> {
	const path = await guestPath(call, containerPath ?? name);
	if (containerPath === undefined) return path;
	const computer = await call.computer();
	const there = await computer.files.stat(path, { signal: call.signal }).catch(() => undefined);
	return containerPath.endsWith("/") || there?.type === "directory" ? `${path.replace(/\/+$/, "")}/${name}` : path;
}

async function download(call: ToolCall): Promise<Answer> {
	const { containerPath, hostPath } = call.args as { containerPath: string; hostPath?: string };
	const from = await guestPath(call, containerPath);
	const computer = await call.computer();
	// The guest names its files as it likes: nothing of it but a plain last part is used here.
	const name = lastName(from);
	const held = await hostDestination(call.settings.hostFolders, hostPath, SAFE_NAME.test(name) ? name : "download");
	try {
		call.status(`copying ${name} out`);
		const done = await computer.files.download(from, held.path, { ...BOUNDS, signal: call.signal });
		return result(call, from, held.shown, { hostPath: held.shown, containerPath: from, ...done });
	} finally {
		await held.release();
	}
}

const SAFE_NAME = /^(?!(?:\.{1,2}|~)$)[^/\\:*?"<>|\p{Cc}]{1,200}$/u;

/** Of paths that were left out, in the text. */
const NAMED_BYTES = 1000;

interface Facts {
	readonly hostPath: string;
	readonly containerPath: string;
	readonly entries: number;
	readonly bytes: number;
	readonly skipped: readonly string[];
}

function result(call: ToolCall, from: string, to: string, { hostPath, containerPath, entries, bytes, skipped }: Facts): Answer {
	const named = fitting(skipped, NAMED_BYTES).slice(0, 5);
	const left = [...named.map((path) => JSON.stringify(path)), ...(named.length < skipped.length ? ["…"] : [])];
	return {
		text: `copied ${showLine(from)} to ${showLine(to)}: ${entries} ${entries === 1 ? "entry" : "entries"}, ${bytes} bytes${left.length === 0 ? "" : `; left out: ${left.join(", ")}`}`,
		structured: { hostPath, containerPath, entries, bytes, skipped: fitting(skipped, call.settings.maxOutputBytes) },
	};
}
