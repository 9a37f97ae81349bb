/** A tool that a model calls: by the library, by the tools alone, and by the official client over both transports of the MCP server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { openComputer } from "lms-computer";
import { Toolbox } from "lms-computer/tools";
import { round } from "../measure.mjs";

const MAIN = fileURLToPath(new URL("../../packages/computer/dist/lms-computer.cjs", import.meta.url));
const TOKEN = "a-token-of-the-bench-0123456789";
const OVER = { stdio: "lms-computer, the tool over stdio", http: "lms-computer, the tool over HTTP" };
const EXEC = "lms-computer, the library's exec";

export default async function run(stage) {
	const driver = stage.drivers.at(-1);
	if (driver === undefined) return;
	const computer = await stage.computer(driver);
	const at = { name: computer.name, driver };
	const call = { name: "Execute", arguments: { command: ":" } };
	const [toolbox, stdio, http] = await Promise.all([byTools(stage, at), overStdio(stage, at), overHttp(stage, at)]);
	const ways = {
		[EXEC]: () => computer.exec(":"),
		"lms-computer, the tool alone": () => toolbox.call(call.name, call.arguments),
		[OVER.stdio]: () => stdio.callTool(call),
		[OVER.http]: () => http.callTool(call),
	};
	await stage.compare("mcp", `A command by a model's tool, on ${driver}`, ways, { rounds: stage.rounds(31), batch: 10 });
	const medians = stage.results.at(-1).ways;
	const more = (way) => ({ value: round(medians[way].medianMs - medians[EXEC].medianMs), unit: "ms" });
	stage.keep({
		name: "mcp-cost",
		title: "What a call over MCP costs beyond the library's",
		values: { "over stdio": more(OVER.stdio), "over HTTP": more(OVER.http) },
		goals: [{ text: "over stdio at most 3 ms", value: "over stdio", atMost: 3 }],
	});
}

async function byTools(stage, at) {
	const toolbox = new Toolbox({ open: () => openComputer(at), callsPerTurn: 0 });
	stage.later(() => toolbox.close());
	return toolbox;
}

async function overStdio(stage, { name, driver }) {
	const client = new Client({ name: "bench", version: "1" });
	await client.connect(new StdioClientTransport({ command: process.execPath, args: [MAIN, "mcp", "--name", name, "--driver", driver] }));
	stage.later(() => client.close());
	return client;
}

async function overHttp(stage, { name, driver }) {
	const server = spawn(process.execPath, [MAIN, "serve", "--port", "0", "--quiet", "--name", name, "--driver", driver], {
		env: { ...process.env, LMS_COMPUTER_TOKEN: TOKEN },
		stdio: ["ignore", "pipe", "inherit"],
	});
	stage.later(async () => {
		server.kill("SIGTERM");
		await once(server, "exit");
	});
	const [url] = await once(server.stdout, "data");
	const client = new Client({ name: "bench", version: "1" });
	await client.connect(new StreamableHTTPClientTransport(new URL(String(url).trim()), { authProvider: { token: async () => TOKEN } }));
	stage.later(() => client.close());
	return client;
}
