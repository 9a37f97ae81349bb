import type { CommandState, Computer } from "../../index.js";
import { DEFAULTS } from "../../limits.js";
import type { Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import { withJob } from "../job.js";
import { notice, printJson, write } from "../output.js";

type Commands = Computer["commands"];
type Stream = "stdout" | "stderr";

const PART_BYTES = 256 * 1024;
/** The guest tells at once when a job ends; that it wrote something has to be asked for. */
const FOLLOW_MS = 200;

export async function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	const { signal } = interruption;
	if (!flags.json && flags.maxOutputBytes !== undefined) throw wrongUsage("expected --max-output with --json alone", "logs");
	return withJob(context, async (commands, id) => {
		if (flags.json) {
			const state = flags.follow ? await commands.wait(id, { signal }) : await commands.get(id, { signal });
			const maxBytes = flags.maxOutputBytes ?? DEFAULTS.maxOutputBytes;
			const streams = flags.stream === undefined ? (["stdout", "stderr"] as const) : [flags.stream];
			const tails = await Promise.all(streams.map((stream) => tail(commands, state, stream, maxBytes, signal)));
			await printJson(Object.assign({ ...state }, ...tails));
			return 0;
		}
		const logs = flags.stream === undefined ? [new Log("stdout"), new Log("stderr")] : [new Log(flags.stream, process.stdout)];
		let state = await commands.get(id, { signal });
		for (;;) {
			for (const log of logs) await log.catchUp(commands, state, signal);
			if (!flags.follow || !state.running) return 0;
			state = await commands.wait(id, { timeoutMs: FOLLOW_MS, signal });
		}
	});
}

/** One stream of a job, and how far it was shown. Byte for byte, as `exec` does. */
class Log {
	readonly #stream: Stream;
	readonly #out: NodeJS.WriteStream;
	#offset = 0;

	constructor(stream: Stream, out = process[stream]) {
		this.#stream = stream;
		this.#out = out;
	}

	async catchUp(commands: Commands, state: CommandState, signal: AbortSignal): Promise<void> {
		while (this.#offset < total(state, this.#stream)) {
			const { bytes, offset } = await commands.output(state.id, {
				stream: this.#stream,
				offset: this.#offset,
				length: PART_BYTES,
				signal,
			});
			if (offset > this.#offset) await notice(`${offset - this.#offset} bytes of ${this.#stream} are no longer there`);
			if (bytes.length === 0) return;
			await write(this.#out, bytes);
			this.#offset = offset + bytes.length;
		}
	}
}

/** The end of a log as text, and how much there was before it. */
async function tail(commands: Commands, state: CommandState, stream: Stream, maxBytes: number, signal: AbortSignal): Promise<object> {
	const end = total(state, stream);
	const parts: Buffer[] = [];
	let kept = 0;
	for (let at = Math.max(0, end - maxBytes); at < end; ) {
		const { bytes, offset } = await commands.output(state.id, { stream, offset: at, length: Math.min(PART_BYTES, end - at), signal });
		if (bytes.length === 0) break;
		parts.push(bytes);
		kept += bytes.length;
		at = offset + bytes.length;
	}
	return { [stream]: Buffer.concat(parts).toString(), [`${stream}OmittedBytes`]: Math.max(0, end - kept) };
}

function total(state: CommandState, stream: Stream): number {
	return stream === "stdout" ? state.stdoutBytes : state.stderrBytes;
}
