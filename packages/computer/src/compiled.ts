/**
 * The command line's bundle, compiled by an earlier process: parsing it takes as long as a third of Node's own start. Node keeps such a thing only since 22.1, for
 * less gain, and below /tmp, where another user can be first. What is in the file is run, so it must be ours and whole; V8 itself looks at neither.
 */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cachedDataVersionTag } from "node:v8";
import { Script } from "node:vm";
import { stateDirectory } from "./drivers/state-directory.js";

/** SHA-256 of what follows and of the source it was made from. */
const SUM_BYTES = 32;

const OLD_MS = 30 * 86_400_000;

/** Then whether a call that came to a computer has made it. What one of `--help` or `doctor` did has none of the functions that most calls need. */
const [UNUSED, USED] = [Buffer.of(0), Buffer.of(1)];

/** Of this process: who says it is in the other bundle, with a copy of this module of its own. */
const CAME = Symbol.for("lms-computer.came-to-a-computer");

/** What this call needs compiled is what most calls need. */
export function tellUse(): void {
	Reflect.set(globalThis, CAME, true);
}

type Wrapper = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/** As `require` of a CommonJS file. @param digest of the file, known from the build */
export function requireCompiled(filename: string, digest: string): void {
	// One for each V8, with its flags: Node of several versions in turns is no reason to make it anew each time.
	const kept = join(stateDirectory(), "compiled", cachedDataVersionTag().toString(16));
	const { used = false, data: cachedData } = readKept(kept, digest) ?? {};
	const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(filename, "utf8")}\n})`;
	const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
	// At the end, when what this call needed is compiled too.
	process.once("exit", () => {
		const uses = Reflect.has(globalThis, CAME);
		if (script.cachedDataRejected !== false || (uses && !used)) keep(kept, digest, uses, script.createCachedData());
	});
	const module = { exports: {} };
	(script.runInThisContext() as Wrapper)(module.exports, createRequire(filename), module, filename, dirname(filename));
}

function readKept(path: string, digest: string): { readonly used: boolean; readonly data: Buffer } | undefined {
	let fd: number | undefined;
	try {
		fd = openSync(path, "r");
		const { uid, mode } = fstatSync(fd);
		if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) return undefined;
		const content = readFileSync(fd);
		const [use, data] = [content.subarray(SUM_BYTES, SUM_BYTES + 1), content.subarray(SUM_BYTES + 1)];
		return content.subarray(0, SUM_BYTES).equals(sum(use, data, digest)) ? { used: use.equals(USED), data } : undefined;
	} catch {
		return undefined;
	} finally {
		if (fd !== undefined) closeSync(fd);
	}
}

/** Failing is fine: a full disk, a home that is read-only. */
function keep(path: string, digest: string, used: boolean, data: Buffer): void {
	try {
		mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
		const fresh = `${path}.${randomBytes(4).toString("hex")}`;
		const use = used ? USED : UNUSED;
		writeFileSync(fresh, Buffer.concat([sum(use, data, digest), use, data]), { mode: 0o600 });
		renameSync(fresh, path);
		removeOld(dirname(path));
	} catch {}
}

/** Of versions of Node that have gone, and what killed processes left half-written. One that is used still is made anew. */
function removeOld(directory: string): void {
	for (const name of readdirSync(directory)) {
		const path = join(directory, name);
		if (statSync(path).mtimeMs < Date.now() - OLD_MS) rmSync(path, { force: true });
	}
}

function sum(use: Buffer, data: Buffer, digest: string): Buffer {
	return createHash("sha256").update(digest).update(use).update(data).digest();
}
