/**
 * What was run in a computer and what became of it: a file on the host, one JSON object on each line, oldest first. Written by every process that holds the
 * computer, as things end; output is named by its command's id, not kept. Bounded: past its size the file becomes the `.1` beside it, which replaces the one before.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CommandState } from "./agent/commands.js";
import type { ExecResult } from "./agent/exec-result.js";
import type { DriverName } from "./driver.js";
import { stateDirectory } from "./drivers/state-directory.js";
import { JOURNAL } from "./limits.js";

/** What became of the computer, or what a user should know. */
export interface LifeRecord {
	readonly type: "progress" | "created" | "started" | "stopped" | "removed" | "checkpoint" | "rollback" | "fork" | "network" | "notice";
	readonly text: string;
}

/** A command that ended, went on as a job, or was started as one. */
export interface CommandRecord {
	readonly type: "command" | "job";
	readonly id: string;
	readonly session: string;
	/** The first 4 KiB of its text. */
	readonly command: string;
	/** Null while it runs. */
	readonly exitCode: number | null;
	readonly reason: CommandState["reason"];
	readonly durationMs: number;
	readonly stdoutBytes: number;
	readonly stderrBytes: number;
}

export type JournalRecord = { readonly at: number; readonly pid: number; readonly driver: DriverName } & (LifeRecord | CommandRecord);

export class Journal {
	readonly #path: string;
	readonly #driver: DriverName;
	#fd: number | undefined;
	#written = 0;
	#over = false;

	constructor(name: string, driver: DriverName) {
		this.#path = journalFile(name, driver);
		this.#driver = driver;
	}

	life(type: LifeRecord["type"], text: string): void {
		this.#append({ type, text: text.slice(0, JOURNAL.textLength) });
	}

	command(type: CommandRecord["type"], command: string, of: Omit<CommandRecord, "type" | "command">): void {
		const { id, session, exitCode, reason, durationMs, stdoutBytes, stderrBytes } = of;
		const text = command.slice(0, JOURNAL.textLength);
		this.#append({ type, id, session, command: text, exitCode, reason, durationMs, stdoutBytes, stderrBytes });
	}

	ended(command: string, result: ExecResult): void {
		const stdoutBytes = result.stdoutBytes.length + result.stdoutOmittedBytes;
		const stderrBytes = result.stderrBytes.length + result.stderrOmittedBytes;
		this.command(result.running ? "job" : "command", command, { ...result, stdoutBytes, stderrBytes });
	}

	/** For good. */
	close(): void {
		this.#over = true;
		this.#letGo();
	}

	#letGo(): void {
		if (this.#fd !== undefined) closeSync(this.#fd);
		this.#fd = undefined;
	}

	/** One write of one line: with O_APPEND the lines of several processes never mix. A full disk costs the record, never the call. */
	#append(record: LifeRecord | CommandRecord): void {
		if (this.#over) return;
		try {
			const line = `${JSON.stringify({ at: Date.now(), pid: process.pid, driver: this.#driver, ...record })}\n`;
			// One without a name was removed with its computer, which has been made anew since.
			if (this.#fd === undefined || this.#written > JOURNAL.lookAgainBytes || fstatSync(this.#fd).nlink === 0) this.#open();
			this.#written += writeSync(this.#fd as number, line);
		} catch {
			this.#letGo(); // the next one tries it again
		}
	}

	/** Opens it, again after a while: another process may have put it aside. */
	#open(): void {
		this.#letGo();
		this.#written = 0;
		mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
		this.#fd = openSync(this.#path, "a", 0o600);
		if (fstatSync(this.#fd).size < JOURNAL.maxBytes) return;
		// Whoever comes second finds a small file, and leaves it.
		const is = statSync(this.#path, { throwIfNoEntry: false });
		if (is !== undefined && is.size >= JOURNAL.maxBytes) renameSync(this.#path, `${this.#path}.1`);
		this.#letGo();
		this.#fd = openSync(this.#path, "a", 0o600);
	}
}

/** The latest records, oldest first. A line that is none, cut short by a full disk, say, is passed over. */
export async function readJournal(name: string, driver: DriverName, max: number): Promise<readonly JournalRecord[]> {
	const path = journalFile(name, driver);
	const texts = await Promise.all([`${path}.1`, path].map((file) => readFile(file, "utf8").catch(() => "")));
	const lines = texts
		.join("")
		.split("\n")
		.filter((line) => line !== "");
	return lines
		.slice(-max)
		.map(parseRecord)
		.filter((record) => record !== undefined);
}

export async function removeJournal(name: string, driver: DriverName): Promise<void> {
	const path = journalFile(name, driver);
	await Promise.all([path, `${path}.1`].map((file) => rm(file, { force: true }).catch(() => {})));
}

function parseRecord(line: string): JournalRecord | undefined {
	try {
		const value = JSON.parse(line) as Partial<JournalRecord> | null;
		return typeof value?.at === "number" && typeof value.type === "string" ? (value as JournalRecord) : undefined;
	} catch {
		return undefined;
	}
}

function journalFile(name: string, driver: DriverName): string {
	return join(stateDirectory(), "journal", driver, `${name}.jsonl`);
}
