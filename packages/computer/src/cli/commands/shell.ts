import type { Duplex } from "node:stream";
import { ComputerError } from "../../errors/index.js";
import type { Terminal } from "../../index.js";
import { DEFAULTS } from "../../limits.js";
import type { Context } from "../commands.js";
import { open } from "../open.js";
import { notice, write } from "../output.js";
import { RawTerminal } from "../raw-terminal.js";

/** Ctrl-], as telnet has it: no shell and hardly a program wants it. */
const DETACH = 0x1d;

export async function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	if (!process.stdin.isTTY || !process.stdout.isTTY) {
		throw new ComputerError("invalid_argument", `expected a terminal as standard input and output, got something else`, {
			hint: "Run a command with `lms-computer exec`; `-i` gives it the standard input.",
		});
	}
	const computer = await open(context, words[0] ?? flags.name);
	try {
		const name = flags.session ?? DEFAULTS.session;
		const terminal = await computer.terminals.open(name, { ...RawTerminal.size(), session: name, signal: interruption.signal });
		const screen = await terminal.attach();
		// One that was there may have another window's size.
		const resize = () => terminal.resize(RawTerminal.size().columns, RawTerminal.size().rows).catch(() => {});
		if (!terminal.created) await resize();
		const ending = await join(screen, resize, interruption.signal);
		// The guest's cursor was somewhere in a line.
		if (ending !== "ended") await write(process.stderr, "\n");
		if (ending === "detached") {
			await notice(`detached; \`lms-computer shell ${computer.name}${flags.session ? ` --session ${name}` : ""}\` comes back`);
			return 0;
		}
		return ending === "interrupted" ? interruption.status : await exitCode(terminal);
	} finally {
		await computer.close();
	}
}

type Ending = "ended" | "detached" | "interrupted";

/** The user's terminal and the guest's are one, until the program ends, the user detaches, or this process is told to go. */
async function join(screen: Duplex, resize: () => void, signal: AbortSignal): Promise<Ending> {
	const raw = new RawTerminal();
	let ending: Ending = "ended";
	const leave = (why: Ending) => {
		ending = why;
		screen.destroy();
	};
	const interrupted = () => leave("interrupted");
	const keys = (typed: Buffer) => {
		const end = typed.indexOf(DETACH);
		if (end > 0 || end === -1) {
			const taken = screen.write(end === -1 ? typed : typed.subarray(0, end));
			if (!taken) {
				process.stdin.pause();
				screen.once("drain", () => process.stdin.resume());
			}
		}
		if (end !== -1) leave("detached");
	};
	const closed = () => leave("interrupted");
	signal.addEventListener("abort", interrupted, { once: true });
	process.stdout.on("resize", resize);
	process.stdin.on("data", keys).on("end", closed).on("error", closed);
	raw.enter();
	try {
		if (signal.aborted) interrupted();
		for await (const bytes of screen as AsyncIterable<Buffer>) {
			raw.watch(bytes);
			await write(process.stdout, bytes);
		}
	} catch (error) {
		if (ending === "ended") throw error;
	} finally {
		signal.removeEventListener("abort", interrupted);
		process.stdout.off("resize", resize);
		process.stdin.off("data", keys).off("end", closed).off("error", closed).pause();
		raw.leave();
	}
	return ending;
}

/** Of the program that ended; 0 where another holder has opened a new terminal of that name by now. */
async function exitCode(terminal: Terminal): Promise<number> {
	try {
		return (await terminal.exitCode()) ?? 0;
	} catch (cause) {
		throw new ComputerError("machine_gone", "the computer or its terminal was stopped or removed from outside", { cause });
	}
}
