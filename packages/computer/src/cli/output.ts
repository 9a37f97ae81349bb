/** What we say ourselves: on standard output results, on standard error all else. */
import type { Writable } from "node:stream";
import { printable, printableJson } from "./printable.js";

/** Writes, and resolves when there is room for more; at once when nobody reads any more (the interruption deals with that). */
export function write(stream: Writable, data: string | Uint8Array): Promise<void> | undefined {
	if (stream.destroyed || stream.errored || stream.write(data)) return undefined;
	return new Promise((resolve) => {
		const done = () => {
			for (const event of EVENTS) stream.off(event, done);
			resolve();
		};
		for (const event of EVENTS) stream.on(event, done);
	});
}

const EVENTS = ["drain", "close", "error"] as const;

/** Resolves when all that was written is handed over. */
export function flush(stream: Writable): Promise<void> {
	return new Promise((resolve) => {
		if (stream.destroyed || stream.errored) resolve();
		// With nothing to wait for only an error may be on its way; where the disk is full the writing of nothing would be one.
		else if (stream.writableLength === 0) setImmediate(resolve);
		else stream.write("", () => resolve());
	});
}

export async function print(line: string): Promise<void> {
	await write(process.stdout, `${line}\n`);
}

export async function printJson(value: unknown): Promise<void> {
	await print(printableJson(value));
}

/** Something the user should know, beside the result. */
export async function notice(text: string): Promise<void> {
	await write(process.stderr, `lms-computer: ${printable(text)}\n`);
}

/** Rows as columns of their widest cell; the last one is as long as it is. */
export function columns(rows: readonly (readonly string[])[]): string {
	const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
	return rows
		.map((row) =>
			row
				.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
				.join("  ")
				.trimEnd(),
		)
		.join("\n");
}

/** `5 s`, `3 min`, `2 h`, `4 d`. */
export function duration(ms: number): string {
	const seconds = Math.max(0, Math.round(ms / 1000));
	if (seconds < 120) return `${seconds} s`;
	if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
	if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
	return `${Math.round(seconds / 86_400)} d`;
}

/** `512 MB`, in units of 1024. */
export function size(bytes: number): string {
	const units = ["B", "KB", "MB", "GB", "TB"];
	let value = bytes;
	while (value >= 10_000 && units.length > 1) {
		value /= 1024;
		units.shift();
	}
	return `${Math.round(value)} ${units[0]}`;
}
