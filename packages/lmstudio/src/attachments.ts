/** Files of a message, on their way into the computer. */
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { FileHandle } from "@lmstudio/sdk";
import type { CallOptions } from "./chat.js";
import { type Computer, isComputerError } from "./library.js";

const FOLDER = "/home/user/attachments";
/** Compared byte by byte before one of the same name and size counts as the same. */
const MAX_COMPARED_BYTES = 64 * 1024 * 1024;
const MAX_NAMES = 1000;
/** Of a name's 255 bytes, three for each character and some for a number. */
const MAX_NAME = 80;

/** Where one is now, or why it is not. */
export type Delivered =
	| { readonly name: string; readonly path: string; readonly sizeBytes: number }
	| { readonly name: string; readonly error: string };

type Attached = Pick<FileHandle, "name" | "getFilePath">;

/** Each to /home/user/attachments, under its own name as far as that is free. Never throws, unless it is aborted. */
export async function deliver(
	files: readonly Attached[],
	open: () => Promise<Computer>,
	options: CallOptions,
): Promise<readonly Delivered[]> {
	const delivered: Delivered[] = [];
	let computer: Computer | undefined;
	for (const file of files) {
		const name = safeName(file.name);
		try {
			computer ??= await open();
			options.onStatus(`Copying ${name} to the computer`);
			delivered.push({ name, ...(await deliverOne(computer, name, await file.getFilePath(), options.signal)) });
		} catch (error) {
			options.signal.throwIfAborted();
			delivered.push({ name, error: error instanceof Error ? error.message : String(error) });
		}
	}
	return delivered;
}

/** A message that is sent again, or edited, brings the same file: it is there already. */
async function deliverOne(computer: Computer, name: string, hostPath: string, signal: AbortSignal) {
	const dot = name.lastIndexOf(".") > 0 ? name.lastIndexOf(".") : name.length;
	const { size } = await stat(hostPath);
	for (let number = 1; number <= MAX_NAMES; number++) {
		const path = `${FOLDER}/${number === 1 ? name : `${name.slice(0, dot)}-${number}${name.slice(dot)}`}`;
		const there = await sizeOf(computer, path, signal);
		if (there === undefined) {
			await computer.files.upload(hostPath, path, { signal });
			return { path, sizeBytes: size };
		}
		if (there === size && (await isSame(computer, path, hostPath, size, signal))) return { path, sizeBytes: size };
	}
	throw new Error(`there are ${MAX_NAMES} files of that name in ${FOLDER}`);
}

/** Undefined: nothing is there. -1: something that is no file. */
async function sizeOf(computer: Computer, path: string, signal: AbortSignal): Promise<number | undefined> {
	try {
		const entry = await computer.files.stat(path, { followSymlink: false, signal });
		return entry.type === "file" ? entry.size : -1;
	} catch (error) {
		if (isComputerError(error, "not_found")) return undefined;
		throw error;
	}
}

async function isSame(computer: Computer, path: string, hostPath: string, size: number, signal: AbortSignal): Promise<boolean> {
	if (size > MAX_COMPARED_BYTES) return true;
	const [there, here] = await Promise.all([computer.files.read(path, { signal, length: size + 1 }), readFile(hostPath)]);
	return here.equals(there);
}

/**
 * What the user's system calls it, as a model can write it back: macOS has a space that is on no keyboard in the name of each screenshot, and takes letters
 * and their accents apart. Its end where it is long.
 */
function safeName(name: string): string {
	const clean = basename(name.replaceAll("\\", "/"))
		.normalize("NFC")
		.replace(/\p{Zs}+/gu, " ")
		.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>]/gu, "_")
		.slice(-MAX_NAME)
		.replace(/\p{Surrogate}/gu, "_")
		.trim();
	return clean === "" || clean === "." || clean === ".." ? "file" : clean;
}
