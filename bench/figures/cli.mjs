/** The command line on a computer that runs: a whole process from its start to the result. */
import { fileURLToPath } from "node:url";
import { cli } from "../peers.mjs";
import { ours } from "../stage.mjs";

const MAIN = fileURLToPath(new URL("../../packages/computer/dist/lms-computer.cjs", import.meta.url));

export default async function run(stage) {
	const docker = stage.has("docker") ? await stage.container() : undefined;
	const lms = (...words) => cli(process.execPath, MAIN, ...words);
	const node = () => cli(process.execPath, "-e", "0");
	await stage.compare(
		"cli",
		"A command from the command line, on a computer that runs",
		{
			...(docker && { "docker exec": () => cli("docker", "exec", docker.id, "true") }),
			"node, doing nothing": node,
			"lms-computer --version": () => lms("--version"),
			...(await stage.ours((computer, driver) => lms("exec", "--name", computer.name, "--driver", driver, "true"))),
		},
		{
			rounds: stage.rounds(15),
			goals: stage.drivers.map((driver) => ({ text: `on ${driver} at most 120 ms`, way: ours(driver), ms: 120 })),
		},
	);
}
