/** A socket that leads to an engine until it is cut: what a host that is killed between two requests has sent, and nothing after. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CutEngine {
	/** For a driver. */
	readonly endpoint: string;
	/**
	 * From now on the nth request that changes something does not reach the engine.
	 * @param lasting nor does anything after it
	 */
	cutAt(request: number, lasting: boolean): void;
	/** Every request so far: `GET /v1.41/containers/x/json`. */
	readonly asked: string[];
	/** The one that was cut; undefined when fewer were made. */
	readonly cut: string | undefined;
	close(): void;
}

export async function cutEngine(socketPath: string): Promise<CutEngine> {
	const directory = mkdtempSync(join(tmpdir(), "lms-cut-"));
	const path = join(directory, "engine.sock");
	const asked: string[] = [];
	let left = Number.POSITIVE_INFINITY;
	let isLasting = false;
	let cut: string | undefined;
	const server = createServer((client) => {
		client.on("error", () => {});
		// Each request has a connection of its own, and its head comes first.
		client.once("data", (head: Buffer) => {
			const [line = ""] = head.toString("latin1").split(" HTTP/1.1");
			asked.push(line);
			if (cut === undefined && !/^(GET|HEAD) /.test(line) && --left === 0) cut = line;
			else if (cut === undefined || !isLasting) {
				const engine = connect(socketPath);
				engine.on("error", () => client.destroy());
				engine.write(head);
				engine.pipe(client).pipe(engine);
				return;
			}
			client.destroy();
		});
	});
	await new Promise<void>((resolve) => server.listen(path, resolve));
	return {
		endpoint: `unix://${path}`,
		cutAt(request, lasting) {
			left = request;
			isLasting = lasting;
			cut = undefined;
		},
		asked,
		get cut() {
			return cut;
		},
		close() {
			server.close();
			rmSync(directory, { recursive: true, force: true });
		},
	};
}
