import { ComputerError } from "../errors/index.js";
import { expectEnv, expectMatch, expectOneOf, expectText, expectWhole, refuse } from "../expect.js";
import { BOUNDS, DEFAULTS, SESSION_PATTERN } from "../limits.js";
import { expandHome } from "./paths.js";
import type { OutputChunk } from "./text.js";
import type { Source } from "./write.js";

export interface CommandOptions {
	/** Counted from the command's start, not from the queue. 0 means none, else 1 to 3,600,000. */
	readonly timeoutMs?: number | undefined;
	/** What a timeout does: kill the command's whole tree, or let it live on as a job. Default "kill". */
	readonly onTimeout?: "kill" | "job" | undefined;
	/** The directory to run in, for this command alone; relative to the session's. */
	readonly cwd?: string | undefined;
	/** Further environment, for this command alone. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	/** The shell it runs in, made on first use. Default "main". */
	readonly session?: string | undefined;
	/** How much of each stream the result holds, half of it head and half tail. 2 to 256 MiB, default 1 MiB. */
	readonly maxOutputBytes?: number | undefined;
	/** Aborting kills the command's whole tree and rejects with `canceled`. */
	readonly signal?: AbortSignal | undefined;
}

export interface ExecOptions extends CommandOptions {
	/** What the command reads. Without it, end of file at once. */
	readonly stdin?: Source | undefined;
	/** Called for every piece of output as it comes, all of it, also what the result omits. */
	readonly onOutput?: ((chunk: OutputChunk) => void) | undefined;
}

export interface SpawnOptions extends CommandOptions {
	/** What the command reads; `true` leaves it open for `write` and `end`. Without it, end of file at once. */
	readonly stdin?: Source | true | undefined;
	/** The output comes at the end, and no more of it than `maxOutputBytes`: there is nothing to iterate. Default false. */
	readonly collect?: boolean | undefined;
}

export interface ExecRequest {
	readonly body: string;
	readonly session: string;
	readonly maxOutputBytes: number;
	readonly timeoutMs: number;
}

/** Checks a command and its options and writes the request. `cut` asks the guest to send head and tail alone. */
export function execRequest(
	command: string,
	options: CommandOptions & { readonly stdin?: unknown },
	defaultTimeoutMs: number,
	cut: boolean,
): ExecRequest {
	expectText("the command", command);
	const bytes = Buffer.byteLength(command);
	if (bytes > BOUNDS.commandBytes) {
		throw new ComputerError("too_large", `expected a command of at most ${BOUNDS.commandBytes} bytes, got ${bytes}`, {
			hint: "Write it to a file and run that.",
		});
	}
	const timeoutMs =
		options.timeoutMs === undefined ? defaultTimeoutMs : expectWhole("timeoutMs", options.timeoutMs, 0, BOUNDS.timeoutMs.max);
	const { min, max } = BOUNDS.maxOutputBytes;
	const maxOutputBytes =
		options.maxOutputBytes === undefined ? DEFAULTS.maxOutputBytes : expectWhole("maxOutputBytes", options.maxOutputBytes, min, max);
	if (options.onTimeout !== undefined) expectOneOf("onTimeout", options.onTimeout, ["kill", "job"]);
	if (options.env !== undefined) expectEnv("env", options.env);
	if (options.cwd === "") refuse("cwd", "a path", "");
	const session = options.session === undefined ? DEFAULTS.session : expectMatch("session", options.session, SESSION_PATTERN);
	// JSON.stringify leaves out what is undefined.
	const body = JSON.stringify({
		command,
		session,
		cwd: options.cwd === undefined ? undefined : expandHome(expectText("cwd", options.cwd)),
		env: options.env,
		stdin: options.stdin === undefined ? undefined : true,
		timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
		onTimeout: options.onTimeout,
		maxOutputBytes: cut ? maxOutputBytes : undefined,
	});
	return { body, session, maxOutputBytes, timeoutMs };
}
