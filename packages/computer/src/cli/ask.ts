/** A question to whoever sits at the terminal. */
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { ComputerError } from "../errors/index.js";

/** Whether the answer was yes. Ctrl-D is a no; Ctrl-C is what it is elsewhere. */
export async function agreed(question: string, signal: AbortSignal): Promise<boolean> {
	const lines = createInterface({ input: process.stdin, output: process.stderr });
	// The terminal is raw meanwhile, and sends no signal itself. Not process.kill: on Windows that ends the process without asking it.
	lines.on("SIGINT", () => process.emit("SIGINT", "SIGINT"));
	const ended = once(lines, "close").then(() => undefined);
	try {
		const asked = lines.question(`${question} [y/N] `, { signal }).catch(() => undefined);
		const answer = await Promise.race([asked, ended]);
		if (answer !== undefined) return /^y(es)?$/i.test(answer.trim());
		// The line of the question has no end yet.
		process.stderr.write("\n");
		if (signal.aborted) throw new ComputerError("canceled", "the question was not answered");
		return false;
	} finally {
		lines.close();
	}
}
