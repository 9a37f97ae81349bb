import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS, type Target } from "../support/drivers.js";
import { installPlugin, node22, type Plugin, startPlugin } from "./plugin.js";

let scratch: string;
let folder: string;
let node: string;
const started: Plugin[] = [];

beforeAll(async () => {
	scratch = await mkdtemp(join(tmpdir(), "lms-computer-plugin-"));
	folder = join(scratch, "plugin");
	[node] = await Promise.all([node22(), installPlugin(folder)]);
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

async function start(): Promise<Plugin> {
	const plugin = await startPlugin(folder, node);
	started.push(plugin);
	return plugin;
}

/** A chat with a computer of this target's. */
function chat(target: Target, name: string, more: Record<string, unknown> = {}) {
	const image = target.options.image ?? "debian:bookworm-slim";
	return { config: { name: target.computerName(name), driver: target.driver, image, preset: "none", ...more } };
}

afterEach(async () => {
	for (const plugin of started.splice(0)) {
		plugin.host.close();
		await plugin.ended;
		expect(plugin.host.violations).toEqual([]);
	}
});

test("registers with nothing but LM Studio's three variables", async () => {
	const { host } = await start();
	expect(host.schematics.map((field) => field["fullKey"])).toContain("internet");
});

for (const target of DRIVERS.filter(({ driver }) => driver !== "podman")) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		test("a call makes the computer and runs in it", async () => {
			await target.open("plugin");
			const { host } = await start();
			const session = await host.openSession(chat(target, "plugin"));
			const text = await session.text("Execute", { command: "cd /tmp; echo $((6 * 7))" });
			expect(text).toContain("42");
		});
	});
}
