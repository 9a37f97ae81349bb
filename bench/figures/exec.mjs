/** One command at a time: what it costs beyond the command itself. */
import { apiExec, cli, testcontainers } from "../peers.mjs";
import { IMAGE, ours } from "../stage.mjs";

const BUILTIN = ":";
const FORK = "/bin/true";

export default async function run(stage) {
	const container = stage.has("docker") ? await stage.container() : undefined;
	for (const [name, title, command] of [
		["exec-builtin", "A command that is a shell builtin", BUILTIN],
		["exec-fork", "A command that starts a program", FORK],
	]) {
		const peers = { ...(await bare(stage, command)), ...(container && (await docker(stage, container, command))) };
		if (stage.has("podman")) {
			const podman = await stage.podmanContainer();
			peers["podman exec"] = () => cli("podman", "exec", podman, "sh", "-c", command);
		}
		await stage.compare(
			name,
			title,
			{ ...peers, ...(await stage.ours((computer) => computer.exec(command))) },
			{
				rounds: stage.rounds(31),
				batch: 10,
				goals:
					command === BUILTIN
						? [
								{
									text: "on Docker at least 80 times faster than the Engine API's exec",
									way: ours("docker"),
									against: "Engine API exec",
									times: 80,
								},
							]
						: [
								{
									text: "on Docker at most 1.6 of the time of a local bash behind pipes",
									way: ours("docker"),
									against: "local bash behind pipes",
									share: 1.6,
								},
							],
			},
		);
	}
}

/** The yardstick: no container at all. */
async function bare(stage, command) {
	const shell = await stage.localShell();
	return { "local bash behind pipes": () => shell.run(command) };
}

async function docker(stage, container, command) {
	const shell = await stage.dockerShell();
	const found = await startTestcontainer(stage);
	return {
		"docker exec -i, a shell with a sentinel": () => shell.run(command),
		"docker exec": () => cli("docker", "exec", container.id, "sh", "-c", command),
		"Engine API exec": () => apiExec(container, ["sh", "-c", command]),
		...(found && { testcontainers: () => found.exec(["sh", "-c", command]) }),
	};
}

let started;
async function startTestcontainer(stage) {
	const { library, missing } = await testcontainers();
	if (missing) return void stage.skip("testcontainers", missing);
	started ??= (async () => {
		const it = await new library.GenericContainer(IMAGE).withCommand(["sleep", "infinity"]).withNetworkMode("none").start();
		stage.later(() => it.stop());
		return it;
	})();
	return started;
}
