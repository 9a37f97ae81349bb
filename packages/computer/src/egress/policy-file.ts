/**
 * What a computer may reach, in a file of this host: every process that holds the computer reads it, and none of the machine does. Written whole or not at
 * all. One that can not be read lets nothing through.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DriverName } from "../driver.js";
import { stateDirectory } from "../drivers/state-directory.js";
import { ComputerError } from "../errors/index.js";
import { fileVersion } from "./file-version.js";
import { expectAllow } from "./presets.js";
import { expectRules, type Rule } from "./rules.js";
import { expectSecrets, type Secret } from "./secrets.js";

/** A word of the user's, and what it stood for when it was given. */
export interface Entry {
	readonly word: string;
	readonly rules: readonly string[];
}

export interface NetworkPolicy {
	/** Off is no way out at all: no proxy, no variables. */
	readonly on: boolean;
	readonly entries: readonly Entry[];
	readonly secrets: readonly Secret[];
	/** What a program asked for when it opened the computer; what was changed since counts until it asks for something else. */
	readonly asked: string;
	/** The file is there and can not be read. */
	readonly damaged: boolean;
}

const SCHEMA = 1;
const MAX_BYTES = 1024 * 1024;
const OFF: NetworkPolicy = { on: false, entries: [], secrets: [], asked: "", damaged: false };

export class PolicyFile {
	readonly path: string;
	readonly authorityPath: string;
	#seen = "";
	#policy = OFF;
	#rules: readonly Rule[] = [];

	constructor(driver: DriverName, name: string, directory = stateDirectory()) {
		const stem = join(directory, "egress", driver, name);
		this.path = `${stem}.json`;
		this.authorityPath = `${stem}.pem`;
	}

	/** As it is now. Asked for each connection: it costs one look at the file unless that has changed. */
	async read(): Promise<NetworkPolicy> {
		const version = await fileVersion(this.path);
		if (version === this.#seen) return this.#policy;
		this.#policy = version === "ENOENT" ? OFF : await this.#load();
		this.#rules = rulesOf(this.#policy);
		this.#seen = version;
		return this.#policy;
	}

	async rules(): Promise<readonly Rule[]> {
		await this.read();
		return this.#rules;
	}

	async write(policy: Omit<NetworkPolicy, "damaged">): Promise<void> {
		const secrets = policy.secrets.map(({ value: _value, template, header, ...rest }) => ({ ...rest, header: `${header}: ${template}` }));
		const text = JSON.stringify({ schema: SCHEMA, ...policy, secrets }, null, "\t");
		const unfinished = `${this.path}.${process.pid}.${randomBytes(4).toString("hex")}`;
		try {
			await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
			await writeFile(unfinished, text, { mode: 0o600, flag: "wx", flush: true });
			await rename(unfinished, this.path);
		} catch (cause) {
			const message = `what the computer may reach could not be written to ${this.path}`;
			if ((cause as NodeJS.ErrnoException).code === "ENOSPC") throw new ComputerError("disk_full", message, { cause });
			throw new ComputerError("permission_denied", message, {
				cause,
				hint: "Set LMS_COMPUTER_STATE_DIR to a directory that you can write to.",
			});
		} finally {
			await rm(unfinished, { force: true });
		}
	}

	async remove(): Promise<void> {
		for (const path of [this.path, this.authorityPath]) await rm(path, { force: true }).catch(() => {});
	}

	async #load(): Promise<NetworkPolicy> {
		try {
			const text = await readFile(this.path, "utf8");
			if (text.length > MAX_BYTES) throw new RangeError("too large");
			return parse(JSON.parse(text));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return OFF;
			// On, so that a program in the machine is told rather than left without a name server.
			return { ...OFF, on: true, damaged: true };
		}
	}
}

function parse(value: Record<string, unknown>): NetworkPolicy {
	const { schema, on, entries, secrets, asked } = value;
	if (schema !== SCHEMA || typeof on !== "boolean" || !Array.isArray(entries) || typeof asked !== "string")
		throw new TypeError("of another kind");
	const policy = {
		on,
		asked,
		damaged: false,
		entries: entries.map(({ word, rules }: Record<string, unknown>) => {
			const [known] = expectAllow("words", [word]);
			return { word: known as string, rules: expectRules("rules", rules).map(({ text }) => text) };
		}),
		secrets: expectSecrets("secrets", (secrets as object[]).map(storedSecret)),
	};
	rulesOf(policy);
	return policy;
}

function storedSecret(stored: object): object {
	const { name, host, port, header, fromEnv } = stored as Record<string, unknown>;
	// One whose value only the process had that brought it: a variable that no process has stands for it.
	return { name, host: `${host}:${port}`, header, ...(fromEnv === undefined ? { fromEnv: ELSEWHERE } : { fromEnv }) };
}

/** The value is in another process. */
const ELSEWHERE = "LMS_COMPUTER_SECRET_IS_ELSEWHERE";

/** A secret's host is open for it: it was named for that. */
function rulesOf({ on, entries, secrets }: NetworkPolicy): readonly Rule[] {
	if (!on) return [];
	const texts = [...entries.flatMap(({ rules }) => rules), ...secrets.map(({ host, port }) => `${host}:${port}`)];
	return expectRules("rules", texts);
}
