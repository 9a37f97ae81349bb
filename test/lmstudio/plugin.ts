import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Target } from "../support/drivers.js";
import { fromRoot } from "../support/repository.js";
import { Imitation } from "./imitation.js";

const run = promisify(execFile);

/** LM Studio's own way to bundle a plugin. */
const FLAGS = ["--platform=node", "--target=node18.16.0", "--sourcemap=inline", "--tree-shaking=true", "--bundle", "--packages=external"];

/** What LM Studio writes beside the bundle: it makes a client of the environment, and calls main with what registers. */
const ENTRY = `
import { LMStudioClient } from "@lmstudio/sdk";
const client = new LMStudioClient({
	clientIdentifier: process.env.LMS_PLUGIN_CLIENT_IDENTIFIER,
	clientPasskey: process.env.LMS_PLUGIN_CLIENT_PASSKEY,
	baseUrl: process.env.LMS_PLUGIN_BASE_URL,
});
globalThis.__LMS_PLUGIN_CONTEXT = true;
const host = client.plugins.getSelfRegistrationHost();
const once = (name, register) => {
	let done = false;
	return (value) => {
		if (done) throw new Error(name + " twice");
		done = true;
		register(value);
		return context;
	};
};
const context = {
	withConfigSchematics: once("config schematics", (value) => host.setConfigSchematics(value)),
	withGlobalConfigSchematics: once("global config schematics", (value) => host.setGlobalConfigSchematics(value)),
	withToolsProvider: once("tools provider", (value) => host.setToolsProvider(value)),
	withPromptPreprocessor: once("prompt preprocessor", (value) => host.setPromptPreprocessor(value)),
};
import("./../src/index.ts").then((module) => module.main(context)).then(() => host.initCompleted()).catch((error) => {
	console.error("Failed to execute the main function of the plugin.", error);
});
`;

/** The folder of `npm run plugin`, installed and bundled as LM Studio does it. */
export async function installPlugin(folder: string): Promise<void> {
	await run(process.execPath, [fromRoot("scripts/plugin.mjs"), "--out", folder]);
	await run("npm", ["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--prefer-offline"], { cwd: folder });
	await mkdir(join(folder, ".lmstudio"));
	await writeFile(join(folder, ".lmstudio/entry.ts"), ENTRY);
	const define = '--define:process.env.NODE_ENV="production"';
	const argv = [".lmstudio/entry.ts", ...FLAGS, define, "--outfile=.lmstudio/production.js", "--log-level=warning"];
	const { stderr } = await run(fromRoot("node_modules/.bin/esbuild"), argv, { cwd: folder });
	if (stderr !== "") throw new Error(`the bundler complains: ${stderr}`);
}

export interface Plugin {
	readonly host: Imitation;
	readonly process: ChildProcess;
	/** How it ended. */
	readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
	/** What it wrote to stderr. */
	readonly complaints: () => string;
}

/** A plugin that has registered: with nothing of an environment but what LM Studio gives it, unless there is more. */
export async function startPlugin(folder: string, node: string, more: NodeJS.ProcessEnv = {}): Promise<Plugin> {
	const host = await Imitation.start();
	const env = { ...more, ...host.env };
	const child = spawn(node, [join(folder, ".lmstudio/production.js")], { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
	let complaints = "";
	child.stdout.resume();
	child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
	const ended = once(child, "close").then(([code, signal]) => ({ code, signal }));
	const early = ended.then(() => {
		throw new Error(`the plugin ended before it had registered: ${complaints}`);
	});
	await Promise.race([host.ready, early]);
	early.catch(() => {}); // it may end from now on
	return { host, process: child, ended, complaints: () => complaints };
}

/** A chat with a computer of this target's. */
export function chat(target: Target, name: string, more: Readonly<Record<string, unknown>> = {}) {
	const image = target.options.image ?? "debian:bookworm-slim";
	return { config: { name: target.computerName(name), driver: target.driver, image, preset: "none", ...more } };
}

/** LM Studio runs plugins on Node 22. The npm package of that name brings one where this is another. */
export async function node22(): Promise<string> {
	if (process.version.startsWith("v22.")) return process.execPath;
	const name = `node-${process.platform}-${process.arch}`;
	const folder = fromRoot("node_modules/.cache/node22");
	const path = join(folder, `node_modules/${name}/bin/node`);
	if (existsSync(path)) return path;
	await mkdir(folder, { recursive: true });
	// Two test files may come here at once, and npm is not made for two in one folder.
	const own = await mkdtemp(join(folder, "new-"));
	await run("npm", ["install", "--ignore-scripts", "--no-save", "--no-fund", "--no-audit", "--prefix", own, `${name}@22`]);
	await rename(join(own, "node_modules"), join(folder, "node_modules")).catch(() => {});
	await rm(own, { recursive: true, force: true });
	return path;
}
