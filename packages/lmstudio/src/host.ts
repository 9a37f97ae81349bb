/** LM Studio itself, as a plugin's process sees it. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** Time to let go of computers before the process ends whatever still runs. */
const LAST_MS = 3_000;
const SOCKETS = "net.client.socket";

/**
 * Aborted when LM Studio has closed its connection, or is gone. The SDK does not tell: its process then lives on as long as anything holds it, a
 * computer's connection for one. Call it before the plugin registers, which is what opens the connection.
 */
export function hostGone(address = process.env["LMS_PLUGIN_BASE_URL"]): AbortSignal {
	const gone = new AbortController();
	const port = address === undefined ? Number.NaN : Number(new URL(address).port);
	const watch = (message: unknown) => {
		const { socket } = message as { readonly socket: Socket };
		socket.once("connect", () => {
			if (socket.remotePort !== port || !unsubscribe(SOCKETS, watch)) return;
			socket.once("close", () => {
				gone.abort();
				setTimeout(() => process.exit(), LAST_MS).unref();
			});
		});
	};
	if (!Number.isNaN(port)) subscribe(SOCKETS, watch);
	return gone.signal;
}
