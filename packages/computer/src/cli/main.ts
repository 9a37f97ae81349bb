/** The command line: how errors are shown, how it ends. */
import { version } from "../version.js";
import { Interruption } from "./interruption.js";
import { flush } from "./output.js";

const argv = process.argv.slice(2);
const interruption = new Interruption();

process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
	// A disk that is full, say: with a pipe that is closed there is nothing wrong.
	if (code !== "EPIPE" && interruption.status === 0) process.stderr.write(`error: standard output could not be written: ${message}\n`);
	interruption.unheard();
});
// Nobody hears complaints any more; the result may still be read.
process.stderr.on("error", () => {});
interruption.listen();

void end();

async function end(): Promise<void> {
	const status = await main();
	await Promise.all([flush(process.stdout), flush(process.stderr)]);
	// Not left to the event loop: an open standard input would hold it.
	process.exit(status || interruption.status);
}

async function main(): Promise<number> {
	let failureStatus = 1;
	let json = ownWords().includes("--json");
	try {
		const { parse, run } = await import("./program.js");
		const chosen = parse(argv, version());
		if (chosen === undefined) return 0;
		failureStatus = chosen.spec.failureStatus;
		json = chosen.flags.json ?? false;
		return await run(chosen, interruption);
	} catch (thrown) {
		const { errorJson, errorLines, statusOf } = await import("./failure.js");
		const error = interruption.explain(thrown);
		if (json) process.stdout.write(`${errorJson(error)}\n`);
		else if (interruption.status === 0) process.stderr.write(`${errorLines(error, Boolean(process.env["LMS_COMPUTER_DEBUG"]))}\n`);
		return interruption.status || statusOf(error, failureStatus);
	}
}

/** Before `--`, where the words of a command begin. */
function ownWords(): readonly string[] {
	const end = argv.indexOf("--");
	return end === -1 ? argv : argv.slice(0, end);
}
