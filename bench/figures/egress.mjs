/** Bytes through an allow-list against a direct connection over the loopback, with the same client and the same server. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { ours } from "../stage.mjs";

const LOOPBACK = "direct, over the loopback";

/** A process of its own, as any server is. Sends so much to whoever says a byte that begins no protocol. */
const server = (mib) => `
const block = Buffer.alloc(256 * 1024, "x");
require("node:net").createServer((socket) => {
	socket.on("error", () => {});
	socket.once("data", () => {
		let left = ${mib} * 4;
		const more = () => {
			while (left-- > 0) if (!socket.write(block)) return socket.once("drain", more);
			socket.end();
		};
		more();
	});
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;

export default async function run(stage) {
	const mib = stage.quick ? 64 : 256;
	const program = spawn(process.execPath, ["-e", server(mib)], { stdio: ["ignore", "pipe", "inherit"] });
	stage.later(() => program.kill());
	const port = Number(String((await once(program.stdout, "data"))[0]));
	const read = "printf '\\0' >&3; wc -c <&3";
	const whole = ({ stdout, stderr }) => {
		if (Number(stdout) !== mib * 1024 * 1024) throw new Error(`expected ${mib} MiB, got ${stdout} ${stderr}`);
	};
	const direct = `exec 3<>/dev/tcp/127.0.0.1/${port}; ${read}`;
	const proxied =
		"proxy=${http_proxy#http://}; exec 3<>/dev/tcp/${proxy%:*}/${proxy#*:}; " +
		`printf 'CONNECT 127.0.0.1:${port} HTTP/1.1\\r\\n\\r\\n' >&3; while IFS= read -r line <&3 && [ "$line" != $'\\r' ]; do :; done; ${read}`;
	const ways = { [LOOPBACK]: async () => whole(await promisify(execFile)("bash", ["-c", direct])) };
	for (const driver of stage.drivers) {
		const computer = await stage.fresh(driver, { network: { allow: [`127.0.0.1:${port}`] } });
		ways[ours(driver)] = async () => {
			whole(await computer.exec(`( ${proxied} )`, { timeoutMs: 120_000 }));
		};
	}
	await stage.compare("egress", `${mib} MiB from a server of this host, through an allow-list`, ways, {
		rounds: stage.rounds(7),
		goals: stage.drivers.map((driver) => ({
			text: `at least 60 % of the loopback's speed, ${driver}`,
			way: ours(driver),
			against: LOOPBACK,
			share: 1 / 0.6,
		})),
		note: "A direct connection is a copy within the kernel; through the allow-list bytes pass the agent, the engine's stream and this process.",
	});
}
