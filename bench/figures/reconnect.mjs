/** A host process that is killed, and the next one: from its first line to the shell of before, in the same directory. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { openComputer } from "lms-computer";
import { cli } from "../peers.mjs";
import { ours } from "../stage.mjs";

const HOLDER = `
	import { openComputer } from "lms-computer";
	const computer = await openComputer(JSON.parse(process.argv[1]));
	await computer.exec("mkdir -p /tmp/place; cd /tmp/place; export WORD=kept");
	console.log("ready");
	await computer.exec("sleep 1000", { session: "other", timeoutMs: 0 });
`;

export default async function run(stage) {
	const docker = stage.has("docker") ? await stage.container() : undefined;
	const ways = {};
	for (const driver of stage.drivers) {
		const computer = await stage.fresh(driver);
		const options = { ...stage.options(driver), name: computer.name };
		await computer.close();
		stage.later(async () => (await openComputer(options)).remove());
		ways[ours(driver)] = () => reconnect(options);
	}
	await stage.compare(
		"reconnect",
		"The next process after one that was killed: opened, and the shell of before answers",
		{
			...(docker && { "docker exec, no state kept": () => cli("docker", "exec", docker.id, "pwd") }),
			...ways,
		},
		{ rounds: stage.rounds(7, 3), warm: false },
	);
}

async function reconnect(options) {
	const holder = spawn(process.execPath, ["--input-type=module", "-e", HOLDER, JSON.stringify(options)], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [line] = await once(createInterface({ input: holder.stdout }), "line");
	if (line !== "ready") throw new Error(`the holder said ${line}`);
	holder.kill("SIGKILL");
	await once(holder, "exit");
	const start = performance.now();
	const computer = await openComputer(options);
	const { stdout } = await computer.exec("echo $PWD $WORD");
	const took = performance.now() - start;
	if (stdout !== "/tmp/place kept\n") throw new Error(`expected the shell of before, got ${stdout}`);
	await computer.close();
	return took;
}
