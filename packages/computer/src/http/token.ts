/** The token that every client has to show: the environment's, or one that lasts, in a file that only its user may read. */
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ComputerError, codeOfSystem } from "../errors/index.js";

const TOKEN_VARIABLE = "LMS_COMPUTER_TOKEN";
const PATTERN = /^[\x21-\x7e]{16,512}$/;
const BYTES = 32;

export interface Token {
	readonly token: string;
	/** For people: the variable or the file. Never the token itself. */
	readonly where: string;
}

/** `configFile` says beside what the token's file is when none is named. */
export async function tokenFor(file: string | undefined, configFile: string): Promise<Token> {
	const given = process.env[TOKEN_VARIABLE];
	if (given && file === undefined) return { token: checked(given, TOKEN_VARIABLE), where: TOKEN_VARIABLE };
	const where = file ?? join(dirname(configFile), "token");
	try {
		return { token: checked((await read(where)) ?? (await make(where)), where), where };
	} catch (cause) {
		const code = codeOfSystem(cause);
		if (code === undefined) throw cause;
		throw new ComputerError(code, `the token can not be kept in ${where}`, {
			hint: `Name another --token-file, or give a token in ${TOKEN_VARIABLE}.`,
			cause,
		});
	}
}

async function read(file: string): Promise<string | undefined> {
	try {
		const is = await stat(file);
		if (!is.isFile()) throw new ComputerError("not_a_file", `expected a file with the token, got ${file}`, { hint: "Name a file." });
		if (process.platform !== "win32" && (is.mode & 0o077) !== 0) {
			throw new ComputerError("permission_denied", `others may read the token in ${file}`, { hint: `Run \`chmod 600 ${file}\`.` });
		}
		return (await readFile(file, "utf8")).trim();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
}

/** There whole or not at all, and of two that make one at once both use the same. */
async function make(file: string): Promise<string> {
	const fresh = `${file}.${randomBytes(6).toString("hex")}`;
	await mkdir(dirname(file), { recursive: true, mode: 0o700 });
	await writeFile(fresh, `${randomBytes(BYTES).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
	try {
		await link(fresh, file);
	} catch (error) {
		// Not every file system has links; of two at once the later one then stays.
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") await rename(fresh, file);
	} finally {
		await rm(fresh, { force: true });
	}
	return (await readFile(file, "utf8")).trim();
}

function checked(token: string, where: string): string {
	if (PATTERN.test(token)) return token;
	throw new ComputerError("invalid_argument", `expected a token of 16 to 512 letters, digits and signs in ${where}`, {
		hint: `Make one with \`openssl rand -base64 32\`, or remove it and one is made.`,
	});
}
