/**
 * The command line's bundle, compiled by an earlier process: parsing it takes as long as a third of Node's own start. Node keeps such a thing only since 22.1, for
 * less gain, and below /tmp, where another user can be first. What is in the file is run, so it must be ours and whole; V8 itself looks at neither.
 */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cachedDataVersionTag } from "node:v8";
import { Script } from "node:vm";
import { stateDirectory } from "./drivers/state-directory.js";

/** SHA-256 of what follows and of the source it was made from. */
const SUM_BYTES = 32;

type Wrapper = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/** As `require` of a CommonJS file. @param digest of the file, known from the build */
export function requireCompiled(filename: string, digest: string): void {
	// One for each V8, with its flags: Node of several versions in turns is no reason to make it anew each time.
	const kept = join(stateDirectory(), "compiled", cachedDataVersionTag().toString(16));
	const cachedData = readKept(kept, digest);
	const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(filename, "utf8")}\n})`;
	const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
	// At the end, when what this call needed is compiled too.
	if (script.cachedDataRejected !== false) process.once("exit", () => keep(kept, digest, script.createCachedData()));
	const module = { exports: {} };
	(script.runInThisContext() as Wrapper)(module.exports, createRequire(filename), module, filename, dirname(filename));
}

function readKept(path: string, digest: string): Buffer | undefined {
	let fd: number | undefined;
	try {
		fd = openSync(path, "r");
		const { uid, mode } = fstatSync(fd);
		if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) return undefined;
		const content = readFileSync(fd);
		const data = content.subarray(SUM_BYTES);
		return content.subarray(0, SUM_BYTES).equals(sum(data, digest)) ? data : undefined;
	} catch {
		return undefined;
	} finally {
		if (fd !== undefined) closeSync(fd);
	}
}

/** Failing is fine: a full disk, a home that is read-only. */
function keep(path: string, digest: string, data: Buffer): void {
	try {
		mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
		const fresh = `${path}.${randomBytes(4).toString("hex")}`;
		writeFileSync(fresh, Buffer.concat([sum(data, digest), data]), { mode: 0o600 });
		renameSync(fresh, path);
	} catch {}
}

function sum(data: Buffer, digest: string): Buffer {
	return createHash("sha256").update(digest).update(data).digest();
}
