import type { Context } from "../commands.js";
import { wrongUsage } from "../failure.js";
import { withFound } from "../open.js";
import { notice, print, printJson } from "../output.js";

const MAX_PORT = 65_535;

export function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	const { guestPort, hostPort } = ports(words[0] ?? "");
	return withFound(context, async (computer) => {
		const { signal } = interruption;
		const onError = (error: Error) => void (flags.quiet || flags.json || notice(error.message));
		const forward = await computer.forward(guestPort, { hostPort, onError, signal });
		try {
			const { host, port } = forward;
			if (flags.json) await printJson({ computer: computer.name, guestPort, host, port });
			else await print(`${host}:${port}`);
			if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
		} finally {
			await forward.close();
		}
		return interruption.status;
	});
}

function ports(text: string): { guestPort: number; hostPort: number | undefined } {
	const [, guest, host] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
	const guestPort = Number(guest);
	const hostPort = host === undefined ? undefined : Number(host);
	if (guestPort >= 1 && guestPort <= MAX_PORT && (hostPort ?? 0) <= MAX_PORT) return { guestPort, hostPort };
	throw wrongUsage(`expected GUESTPORT or GUESTPORT:HOSTPORT, each at most ${MAX_PORT}, got ${JSON.stringify(text)}`, "port");
}
