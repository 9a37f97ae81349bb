import type { Context } from "../commands.js";
import { deskOptions } from "../desk-options.js";
import { wrongUsage } from "../failure.js";
import { notice } from "../output.js";

export async function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	if (flags.printConfig !== undefined && flags.install !== undefined)
		throw wrongUsage("expected --print-config or --install, got both", "mcp");
	if (flags.printConfig !== undefined) return (await import("../client-setup.js")).printSetup(context, flags.printConfig);
	if (flags.install !== undefined) return (await import("../client-setup.js")).install(context, flags.install);
	const options = await deskOptions(context);
	if (process.stdin.isTTY) await notice("this speaks MCP to a client that starts it; `lms-computer mcp --help` tells how to set one up");
	const { runStdio } = await import("../../mcp/stdio.js");
	const onError = (error: unknown) => void (process.env["LMS_COMPUTER_DEBUG"] && notice(String(error)));
	await runStdio({ ...options, onError, signal: interruption.signal });
	// A client ends it by a signal, or by closing the input: neither is a failure.
	return 0;
}
