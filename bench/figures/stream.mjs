/** Much output at once: as a result, as a stream, and from many commands together. */
import { fileURLToPath } from "node:url";
import { storm } from "../measure.mjs";
import { cli, drainProgram } from "../peers.mjs";
import { readAll } from "../reader.mjs";
import { ours } from "../stage.mjs";

const READER = fileURLToPath(new URL("../reader.mjs", import.meta.url));
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export default async function run(stage) {
	const docker = stage.has("docker") ? await stage.container() : undefined;
	for (const [name, title, bytes, rounds] of [
		["output-1mb", "A command that writes 1 MiB, all of it in the result", MIB, stage.rounds(15)],
		["output-100mb", "A command that writes 100 MiB, all of it in the result", 100 * MIB, stage.rounds(5, 1)],
	]) {
		const command = `head -c ${bytes} /dev/zero`;
		await stage.compare(
			name,
			title,
			{
				"local command": () => cli("sh", "-c", command),
				...(docker && { "docker exec": () => cli("docker", "exec", docker.id, "sh", "-c", command) }),
				...(await stage.ours((computer) => computer.exec(command, { maxOutputBytes: bytes + 1024, timeoutMs: 120_000 }))),
			},
			{ rounds },
		);
	}
	await gibibyte(stage, docker);
	await parallel(stage, docker);
}

async function gibibyte(stage, docker) {
	const bytes = stage.quick ? GIB / 8 : GIB;
	const command = `head -c ${bytes} /dev/zero`;
	await stage.compare(
		"output-1gb",
		`A command that writes ${bytes / GIB} GiB, read as a stream`,
		{
			...(docker && { "docker exec": () => drainProgram("docker", "exec", docker.id, "sh", "-c", command) }),
			"local command": () => drainProgram("sh", "-c", command),
			...(await stage.ours(async (computer) => void (await readAll(computer, command, bytes)))),
		},
		{
			rounds: stage.rounds(3, 1),
			warm: false,
			goals: [
				{
					text: "on Docker at most 1.11 of the time of docker exec (0.9 of its throughput)",
					way: ours("docker"),
					against: "docker exec",
					share: 1.11,
				},
			],
		},
	);
	const values = {};
	for (const driver of stage.drivers) {
		const { name } = await stage.computer(driver);
		const { stdout } = await cli(process.execPath, READER, JSON.stringify({ name, driver }), command, String(bytes));
		values[ours(driver)] = { value: Number(stdout) / MIB, unit: "MiB" };
	}
	stage.keep({
		name: "output-memory",
		title: `How much more memory a host process has taken after it read ${bytes / GIB} GiB`,
		values,
		goals: stage.drivers.map((driver) => ({ text: `on ${driver} bounded, at most 128 MiB`, value: ours(driver), atMost: 128 })),
	});
}

async function parallel(stage, docker) {
	const count = stage.quick ? 200 : 1000;
	const sessions = 50;
	const ways = {};
	if (docker)
		ways["docker exec, 50 at a time"] = await inLanes(stage.quick ? 50 : 100, 50, () => cli("docker", "exec", docker.id, "sh", "-c", ":"));
	for (const driver of stage.drivers) {
		const computer = await stage.fresh(driver);
		await Promise.all(Array.from({ length: sessions }, (_, i) => computer.exec(":", { session: `s${i}` })));
		ways[ours(driver)] = await total(count, () => storm(count, (i) => computer.exec(":", { session: `s${i % sessions}` })));
		await computer.remove();
	}
	stage.keep({
		name: "parallel",
		title: `${count} commands at once in ${sessions} sessions: time of each from its call, which includes the wait for its turn`,
		ways,
		note:
			"docker exec gets fewer of them, 50 at a time: more at once is refused or takes minutes. Per command: " +
			Object.entries(ways)
				.map(([name, { eachMs }]) => `${name} ${eachMs.toFixed(2)} ms`)
				.join(", ") +
			".",
	});
}

async function total(count, run) {
	const start = performance.now();
	const figures = await run();
	return { ...figures, eachMs: (performance.now() - start) / count };
}

async function inLanes(count, lanes, way) {
	return total(count, async () => {
		const parts = await Promise.all(
			Array.from({ length: lanes }, () =>
				storm(1, async () => {
					for (let i = 0; i < count / lanes; i++) await way();
				}),
			),
		);
		return parts.toSorted((a, b) => a.medianMs - b.medianMs)[parts.length >> 1];
	});
}
