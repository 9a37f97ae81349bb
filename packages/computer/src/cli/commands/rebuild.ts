import { pickNamed } from "../../changes.js";
import type { Context } from "../commands.js";
import { find } from "../open.js";
import { print, printJson } from "../output.js";
import { printable } from "../printable.js";
import { ProgressLine } from "../progress-line.js";

/** Only what the flags name: a variable or a file that says otherwise is a wish for new computers. */
export async function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	const computer = await find(context, words[0]);
	const progress = flags.quiet || flags.json ? undefined : new ProgressLine(process.stderr);
	try {
		await computer.rebuild({ ...pickNamed(flags), keepFiles: !flags.dropFiles, onProgress: progress?.report, signal: interruption.signal });
	} finally {
		progress?.end();
		await computer.close();
	}
	if (flags.json) await printJson({ rebuilt: [computer.name] });
	else await print(printable(computer.name));
	return 0;
}
