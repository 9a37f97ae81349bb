import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** Stands before the real engine, and can hang, cut and go away as a machine's engine can. */
export class Wire {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	hangs = false;

	constructor(target: string) {
		this.#server = createServer({ allowHalfOpen: true }, (client) => {
			const engine = dial({ path: target, allowHalfOpen: true });
			for (const socket of [client, engine]) {
				this.#sockets.add(socket);
				socket.on("error", () => {});
				socket.once("close", () => this.#sockets.delete(socket));
			}
			if (this.hangs) return;
			client.pipe(engine);
			engine.pipe(client);
		});
	}

	listen(where: string | number): Promise<void> {
		return new Promise((resolve) => {
			if (typeof where === "string") this.#server.listen(where, resolve);
			else this.#server.listen(where, "127.0.0.1", resolve);
		});
	}

	get port(): number {
		return (this.#server.address() as { port: number }).port;
	}

	cut(): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	close(): Promise<unknown> {
		const closed = new Promise((resolve) => this.#server.close(resolve));
		this.cut();
		return closed;
	}
}
