import type { Computer, ExecResult } from "../../index.js";
import { DEFAULTS } from "../../limits.js";
import type { Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import type { Interruption } from "../interruption.js";
import { statusOfJob } from "../job.js";
import { open, settingsFor } from "../open.js";
import { notice, print, printJson, write } from "../output.js";
import { printable } from "../printable.js";

/** From the signal to KILL, for a command that is told to stop. */
const GRACE_MS = 2_000;
/** Of what is streamed the result need not hold anything. */
const LEAST_BYTES = 2;

export async function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	if (flags.detach) refuseWaiting(flags);
	const settings = await settingsFor(context);
	const computer = await open(context, flags.name, settings);
	try {
		const command = words.join(" ");
		if (flags.detach) return await detach(computer, command, context);
		const options = {
			session: flags.session,
			cwd: flags.cwd,
			env: flags.callEnv,
			stdin: flags.stdin ? process.stdin : undefined,
			timeoutMs: settings.timeoutMs ?? DEFAULTS.timeoutMs,
			onTimeout: flags.onTimeout,
			maxOutputBytes: settings.maxOutputBytes,
		};
		if (flags.json) {
			const result = await computer.exec(command, { ...options, signal: interruption.signal });
			await printJson(plain(computer, result));
			return statusOfJob(result);
		}
		const result = await stream(computer, command, { ...options, maxOutputBytes: LEAST_BYTES }, interruption);
		if (interruption.signal.aborted) return interruption.status;
		if (result.running) await notice(`still running after its time limit, as job ${result.id}`);
		else if (result.timedOut && process.stderr.isTTY) await notice(`ended by its time limit of ${options.timeoutMs / 1000} s`);
		return statusOfJob(result);
	} finally {
		await computer.close();
	}
}

/** Hands the output on as it comes; a reader of ours that pauses makes the command pause. */
async function stream(
	computer: Computer,
	command: string,
	options: Parameters<Computer["spawn"]>[1],
	interruption: Interruption,
): Promise<ExecResult> {
	// Until it has started there is nothing to send a signal to: it is taken back.
	const waiting = new AbortController();
	const takeBack = () => waiting.abort();
	interruption.signal.addEventListener("abort", takeBack, { once: true });
	if (interruption.signal.aborted) takeBack();
	const execution = await computer.spawn(command, { ...options, signal: waiting.signal });
	interruption.signal.removeEventListener("abort", takeBack);
	// The command gets the signal, as in a terminal, and what it still says is shown.
	const kill = () => execution.kill({ signalName: interruption.signalName, graceMs: GRACE_MS }).catch(() => {});
	interruption.signal.addEventListener("abort", kill, { once: true });
	if (interruption.signal.aborted) void kill();
	for await (const { stream, bytes } of execution) await write(process[stream], bytes);
	return execution.result;
}

/** What only makes sense for who stays. */
function refuseWaiting(flags: Context["flags"]): void {
	const given = Object.entries({ "--stdin": flags.stdin, "--on-timeout": flags.onTimeout, "--max-output": flags.maxOutputBytes });
	for (const [flag, value] of given) if (value !== undefined) throw wrongUsage(`expected --detach or ${flag}, got both`, "exec");
}

async function detach(computer: Computer, command: string, { flags, interruption }: Context): Promise<number> {
	const { cwd, callEnv: env, session, timeoutMs } = flags;
	const job = await computer.commands.start(command, { cwd, env, session, timeoutMs, signal: interruption.signal });
	if (flags.json) await printJson({ computer: computer.name, driver: computer.driver, ...job, notices: computer.notices });
	else await print(printable(job.id));
	return 0;
}

function plain(computer: Computer, { stdoutBytes: _stdout, stderrBytes: _stderr, ...result }: ExecResult): object {
	return { computer: computer.name, driver: computer.driver, ...result, notices: computer.notices };
}
