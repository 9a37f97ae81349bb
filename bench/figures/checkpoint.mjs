/** A computer's files saved, put back and forked. */
import { cli } from "../peers.mjs";
import { IMAGE, ours } from "../stage.mjs";

const FILES = "for i in $(seq 100); do echo $i > file-$i; done";

export default async function run(stage) {
	const docker = stage.has("docker") ? await stage.container() : undefined;
	const computers = {};
	for (const driver of stage.drivers) {
		computers[driver] = await stage.fresh(driver);
		await computers[driver].exec(FILES);
	}
	if (docker) await cli("docker", "exec", docker.id, "sh", "-c", `mkdir -p /root/saved && cd /root/saved && ${FILES}`);
	const each = (way) => Object.fromEntries(stage.drivers.map((driver) => [ours(driver), () => way(computers[driver], driver)]));
	const rounds = stage.rounds(7);
	let tag = 0;
	await stage.compare(
		"checkpoint",
		"A checkpoint of 100 small files",
		{
			...(docker && {
				"docker commit": async () => {
					const name = `${stage.prefix}commit:${tag++}`;
					await cli("docker", "commit", docker.id, name);
					stage.later(() => cli("docker", "rmi", name));
				},
			}),
			...each((computer) => computer.checkpoint("bench")),
		},
		{ rounds, goals: [{ text: "on Docker at most 60 ms", way: ours("docker"), ms: 60 }] },
	);
	const latest = {};
	for (const driver of stage.drivers) latest[driver] = (await computers[driver].checkpoints()).at(-1).id;
	await stage.compare(
		"rollback",
		"Back to it, and the first command after that",
		{
			...(docker && { "docker run --rm": () => cli("docker", "run", "--rm", "--network", "none", IMAGE, "echo", "ready") }),
			...Object.fromEntries(stage.drivers.map((driver) => [anew(driver), () => newComputer(stage, driver)])),
			...each(async (computer, driver) => {
				await computer.rollback(latest[driver]);
				await computer.exec("cat file-100");
			}),
		},
		{
			rounds: stage.rounds(5, 2),
			goals: [
				{ text: "on Docker at most the time of a docker run", way: ours("docker"), against: "docker run --rm", share: 1 },
				{ text: "on Docker at most the time of a new computer", way: ours("docker"), against: anew("docker"), share: 1 },
			],
		},
	);
	const forks = [];
	await stage.compare(
		"fork",
		"A fork of it, and its first command",
		{
			...(docker && { "docker run --rm": () => cli("docker", "run", "--rm", "--network", "none", IMAGE, "echo", "ready") }),
			...each(async (computer, driver) => {
				const fork = await computer.fork(latest[driver], `${stage.prefix}fork-${forks.length}`);
				forks.push(fork);
				await fork.exec("cat file-100");
			}),
		},
		{ rounds: stage.rounds(5, 2) },
	);
	await Promise.all(forks.map((fork) => fork.remove()));
	for (const driver of stage.drivers) await computers[driver].remove();
}

const anew = (driver) => `a new computer, ${driver}`;

async function newComputer(stage, driver) {
	const start = performance.now();
	const computer = await stage.fresh(driver);
	await computer.exec("echo ready");
	const took = performance.now() - start;
	await computer.remove();
	return took;
}
