/** From what an engine answered to a ComputerError; one pure function. */
import { ComputerError, type ErrorCode } from "../../errors/index.js";

export interface EngineFailure {
	/** HTTP status, where there was an answer. */
	readonly status?: number | undefined;
	/** The system's error code, where there was none: `ECONNREFUSED`. */
	readonly code?: string | undefined;
	readonly message: string;
	readonly cause?: unknown;
}

interface Rule {
	readonly code: ErrorCode;
	readonly pattern: RegExp;
	readonly status?: readonly number[];
	readonly hint?: string;
}

/**
 * The first that fits wins. Texts rather than statuses: Podman answers 500 to most, and OCI runtimes know only text.
 * What they hold in common with other errors ("no such file") comes last.
 */
const RULES: readonly Rule[] = [
	{ code: "disk_full", pattern: /no space left on device|disk quota exceeded|not enough (disk )?space/i },
	{
		code: "not_supported",
		pattern:
			/unknown( or invalid)? runtime|runtime [^ ]* ?(is )?not (found|installed)|OCI runtime "[^"]*" not found|executable file not found.*runtime|unable to retrieve OCI runtime error/i,
		hint: "Install that OCI runtime and register it with the engine, or leave `runtime` out.",
	},
	{
		code: "busy",
		pattern: /port is already allocated|address already in use|ports are not available/i,
		hint: "Something on this host has that port: choose another one for the host's side, or end what has it.",
	},
	{ code: "already_exists", pattern: /name .* (is )?already in use|name ("[^"]*" )?is in use/i },
	{
		code: "invalid_argument",
		pattern: /bind source path does not exist|mounts? denied|is not shared from the host|path .* is not shared/i,
		hint: "The folder has to be where the engine sees it: with Docker Desktop below Settings, Resources, File sharing; with a virtual machine among what is mounted there.",
	},
	{
		code: "image_not_found",
		pattern:
			/no such image|reference does not exist|unrecognized image ID|failed to find image|(image|layer|size is) not known|unable to find .* in local storage|locating item named .* for image|cannot specify 64-byte hexadecimal strings/i,
	},
	{
		code: "machine_gone",
		pattern:
			/no such container|no container with (name or )?id|container .* (is )?not running|only (create|start) exec sessions (on|when)|is paused|marked for removal|no such exec|cannot exec in a (created|paused|stopped|deleted)/i,
	},
	{
		code: "busy",
		pattern:
			/removal of container .* already in progress|device or resource busy|image is being used|image is in use by a container|is using (the|its referenced) image/i,
	},
	{
		code: "machine_failed",
		pattern:
			/OCI runtime|OCI permission|\brunc\b|\bcrun\b|container process|failed to create (shim|task)|cgroup|conmon|netavark|slirp4netns|pasta/i,
	},
	{ code: "invalid_argument", pattern: /^/, status: [400] },
	{ code: "permission_denied", pattern: /^/, status: [401, 403] },
	{ code: "machine_gone", pattern: /^/, status: [404] },
];

/** Of a program that is started in a machine these come before the others. */
const EXEC_RULES: readonly Rule[] = [
	{
		// The machine's first process ended at that moment: the engine has not heard of it yet, and its runtime meets what is left.
		code: "machine_gone",
		pattern:
			/container does not exist|task .*not found|(starting|executing) setns process|adding pid \d+ to cgroups|(read|write) init-p|namespace path: lstat|ttrpc: closed/i,
	},
	{
		// Podman's helper dies without a word where the machine's processes are at their limit, as they are for a moment after a flood of them is killed.
		code: "limit_reached",
		pattern: /conmon|resource temporarily unavailable|cannot allocate memory/i,
		hint: "End some of the machine's processes, or raise its limits on processes and memory.",
	},
];

const UNREACHABLE: ReadonlySet<string> = new Set([
	"ENOENT",
	"ECONNREFUSED",
	"EACCES",
	"EPERM",
	"EHOSTUNREACH",
	"ENETUNREACH",
	"ENOTFOUND",
	"ETIMEDOUT",
]);
const BROKEN: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE", "ECONNABORTED"]);

/** True when the request can not have reached the engine, so that it may be sent again. */
export function isUnreachable(code: string | undefined): boolean {
	return code !== undefined && UNREACHABLE.has(code);
}

/**
 * @param engine `Docker` or `Podman`
 * @param action what was being done, to follow "could not": `start the machine box`
 */
export function engineError(failure: EngineFailure, engine: string, action: string): ComputerError {
	return explain(failure, engine, action, RULES);
}

/**
 * Of a program that did not start in a running machine: an engine says so in the program's own stream. The last words of one that ended without an answer are
 * taken for the same.
 */
export function execError(words: string, engine: string, action: string): ComputerError {
	const error = explain({ message: words }, engine, action, [...EXEC_RULES, ...RULES]);
	// The others are about making a machine, and this one is made.
	if (error.retryable || error.code === "disk_full") return error;
	return new ComputerError("machine_failed", error.message, {
		hint: "Stop and start the computer; if that does not help, remove it and make it anew.",
		context: error.context,
	});
}

function explain(failure: EngineFailure, engine: string, action: string, rules: readonly Rule[]): ComputerError {
	// The client library's own preface, where the answer was a stream.
	const words = cleanWords(failure.message.replace(/^\(HTTP code \d+\) [^-]*- (?=.)/, ""));
	const context = { engine, words, ...(failure.status === undefined ? {} : { status: failure.status }) };
	const details = { context, cause: failure.cause };
	if (isUnreachable(failure.code)) {
		return new ComputerError("driver_unavailable", `${engine} does not answer, so it could not ${action}: ${words}`, {
			...details,
			hint: `Start ${engine} again, then try again.`,
		});
	}
	if (failure.code !== undefined && BROKEN.has(failure.code)) {
		return new ComputerError("connection_lost", `${engine} broke the connection while it was to ${action}: ${words}`, {
			...details,
			hint: `Look whether ${engine} was restarted, then try again.`,
		});
	}
	const rule = rules.find(({ pattern, status }) => pattern.test(words) && (status === undefined || status.includes(failure.status ?? 0)));
	const hint = rule?.hint === undefined ? {} : { hint: rule.hint };
	return new ComputerError(rule?.code ?? "engine_failed", `${engine} could not ${action}: ${words}`, { ...details, ...hint });
}

const MAX_WORDS = 2_000;

/** An engine's words can hold a guest's: no control characters, bounded, one line. */
export function cleanWords(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
	const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
	return plain.length > MAX_WORDS ? `${plain.slice(0, MAX_WORDS)}…` : plain;
}

/** Which limit the engine can not apply here, if the error is about that. A value that no engine would take is not. */
export function refusedLimit(message: string): "cpus" | "memoryBytes" | "pids" | "diskBytes" | undefined {
	if (/storage[- ]opt|pquota|project quota|quota not supported/i.test(message)) return "diskBytes";
	if (/minimum|range of|must be|larger than|smaller than|invalid argument|current usage/i.test(message)) return undefined;
	if (/nanocpus|cpu\.(cfs_|max|weight)|cpu cfs|cpu cgroup|controller [`"']?cpu/i.test(message)) return "cpus";
	if (/memory\.(max|limit|memsw|swap)|memory (limit|cgroup|swap)|memory capabilities|memoryswap|controller [`"']?memory/i.test(message))
		return "memoryBytes";
	if (/pids\.(max|limit)|pids (limit|cgroup)|controller [`"']?pids/i.test(message)) return "pids";
	return undefined;
}
