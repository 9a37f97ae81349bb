#!/usr/bin/env node
/** Throughput through a computer's allow-list against a direct connection over the loopback, with the same client: node bench/egress.mjs [--rounds 7] [--json] */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs, promisify } from "node:util";
import { openComputer } from "lms-computer";
import { measure } from "./measure.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" }, json: { type: "boolean", default: false } } });
const MEGABYTES = 256;

/** A process of its own, as any server is. Sends so much to whoever says a byte that begins no protocol. */
const SERVER = `
const block = Buffer.alloc(256 * 1024, "x");
require("node:net").createServer((socket) => {
	socket.on("error", () => {});
	socket.once("data", () => {
		let left = ${MEGABYTES} * 4;
		const more = () => {
			while (left-- > 0) if (!socket.write(block)) return socket.once("drain", more);
			socket.end();
		};
		more();
	});
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;
const server = spawn(process.execPath, ["-e", SERVER], { stdio: ["ignore", "pipe", "inherit"] });
const port = Number(String((await once(server.stdout, "data"))[0]));

const direct = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf '\\0' >&3; cat <&3 >/dev/null`;
const proxied =
	`exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT 127.0.0.1:${port} HTTP/1.1\\r\\n\\r\\n' >&3; ` +
	`while IFS= read -r line <&3 && [ "$line" != $'\\r' ]; do :; done; printf '\\0' >&3; cat <&3 >/dev/null`;

const ways = { "direct, over the loopback": () => promisify(execFile)("bash", ["-c", direct]) };
const computers = [];
for (const driver of ["docker", "podman", "namespace"]) {
	const options = {
		name: `bench-egress-${driver}`,
		driver,
		image: "debian:bookworm-slim",
		preset: "none",
		network: { allow: [`127.0.0.1:${port}`] },
	};
	const computer = await openComputer(options).catch((error) => console.error(`${driver}: ${error.message}`));
	if (computer === undefined) continue;
	computers.push(computer);
	ways[`through the allow-list, ${driver}`] = async () => {
		const { exitCode, stderr } = await computer.exec(`( ${proxied} )`, { timeoutMs: 120_000 });
		if (exitCode !== 0) throw new Error(stderr);
	};
}
const figures = await measure(ways, { rounds: Number(values.rounds) });
for (const computer of computers) await computer.remove();
server.kill();

const rate = (ms) => (MEGABYTES * 1000) / ms;
if (values.json) console.log(JSON.stringify(figures));
else {
	const yardstick = Object.values(figures)[0].medianMs;
	console.log("| way | MB/s | of the direct one |\n| --- | ---: | ---: |");
	for (const [name, { medianMs }] of Object.entries(figures)) {
		console.log(`| ${name} | ${rate(medianMs).toFixed(0)} | ${((100 * yardstick) / medianMs).toFixed(0)} % |`);
	}
}
