import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that a kernel gives to who asks for any (ip_local_port_range begins at 32768): one of those may be another test's in the next moment. */
const FIRST = 20_000;
const COUNT = 12_000;

/** A port of this host on 127.0.0.1 that nothing has. */
export async function freePort(): Promise<number> {
	for (;;) {
		const port = FIRST + Math.floor(Math.random() * COUNT);
		const server = createServer().listen(port, "127.0.0.1");
		try {
			await once(server, "listening");
		} catch {
			continue;
		}
		server.close();
		await once(server, "close");
		return port;
	}
}
