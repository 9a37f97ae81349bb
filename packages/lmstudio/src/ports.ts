/** Ports of computers whose network is not open: an engine publishes none of them, so this process joins them, as long as it lives. */
import { type Computer, findComputer, type OpenOptions } from "./library.js";

const PORT = /^(?:(\[[^\]]+\]|[^:]+):)?(\d{1,5}):(\d{1,5})$/;

interface Held {
	readonly ports: string;
	readonly computer: Computer;
}

class Ports {
	readonly #held = new Map<string, Held>();
	#turn: Promise<unknown> = Promise.resolve();

	/** Those of that computer, and no others of it. Answers what could not be done, for people. */
	hold(options: OpenOptions & { readonly name: string }, ports: string): Promise<readonly string[]> {
		// What goes wrong here is no reason against the computer itself.
		const done = this.#turn.then(() => this.#hold(options, ports)).catch((error: unknown) => [`ports: ${String(error)}`]);
		this.#turn = done;
		return done;
	}

	/** What of that computer's is no longer wanted is free, for an engine that is to publish it. */
	letGo(name: string, ports: string): Promise<void> {
		const done = this.#turn.then(() => this.#letGo(name, ports));
		this.#turn = done.catch(() => {});
		return done;
	}

	async close(): Promise<void> {
		const held = [...this.#held.values()];
		this.#held.clear();
		await Promise.allSettled(held.map(({ computer }) => computer.close()));
	}

	async #hold({ name, driver, signal }: OpenOptions & { readonly name: string }, ports: string): Promise<readonly string[]> {
		if (this.#held.get(name)?.ports === ports) return [];
		await this.#letGo(name, ports);
		const computer = ports === "" ? undefined : await findComputer({ name, driver, signal });
		if (computer === undefined) return [];
		this.#held.set(name, { ports, computer });
		const failures = await Promise.all(ports.split(",").map((port) => forward(computer, port.trim())));
		return failures.filter((failure) => failure !== undefined);
	}

	async #letGo(name: string, ports: string): Promise<void> {
		const before = this.#held.get(name);
		if (before === undefined || before.ports === ports) return;
		this.#held.delete(name);
		await before.computer.close();
	}
}

async function forward(computer: Computer, port: string): Promise<string | undefined> {
	const [, host, hostPort, guestPort] = PORT.exec(port) ?? [];
	if (guestPort === undefined) return `port ${port}: with the internet off, ports are single ones such as 8080:80`;
	try {
		await computer.forward(Number(guestPort), { hostPort: Number(hostPort), host: host?.replace(/^\[|\]$/g, "") });
	} catch (error) {
		return `port ${port}: ${error instanceof Error ? error.message : String(error)}`;
	}
	return undefined;
}

/** Of all chats: a port of this host can be had once. */
export const heldPorts = new Ports();
