/** What an agent does in one task: 200 calls, most of them small, against the same through `docker exec`. */
import { cli, peerLibrary } from "../peers.mjs";
import { ours } from "../stage.mjs";

export default async function run(stage) {
	const calls = stage.quick ? 40 : 200;
	const docker = stage.has("docker") ? await stage.container() : undefined;
	const steps = Array.from({ length: calls }, (_, i) => STEPS[i % STEPS.length](i));
	const ways = {};
	if (docker)
		ways["docker exec for each call"] = () => throughShell(steps, (command) => cli("docker", "exec", docker.id, "sh", "-c", command));
	if (docker) {
		const shell = await stage.dockerShell();
		ways["docker exec -i, a shell with a sentinel"] = () => throughShell(steps, (command) => shell.run(command));
	}
	const shell = await stage.localShell();
	ways["local bash behind pipes"] = () => throughShell(steps, (command) => shell.run(command));
	const { library, missing } = await peerLibrary("just-bash");
	if (missing) stage.skip("just-bash", missing);
	else {
		const bash = new library.Bash();
		ways["just-bash, no machine at all"] = () => throughShell(steps, (command) => bash.exec(command));
	}
	await stage.compare(
		"task",
		`A task of ${calls} mixed calls`,
		{
			...ways,
			...(await stage.ours(async (computer) => {
				for (const step of steps) await step.ours(computer);
			})),
		},
		{
			rounds: stage.rounds(3, 1),
			warm: false,
			goals: [
				{
					text: "on Docker at least 15 times faster than docker exec for each call",
					way: ours("docker"),
					against: "docker exec for each call",
					times: 15,
				},
			],
		},
	);
}

async function throughShell(steps, run) {
	for (const step of steps) await run(step.shell);
}

const TEXT = "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n";

/** A write, a read, an edit, a search, a listing, and commands that start programs or do not. */
const STEPS = [
	(i) => ({
		shell: `mkdir -p /tmp/task; cat > /tmp/task/file-${i}.py <<'X'\n${TEXT}X`,
		ours: (computer) => computer.files.write(`/tmp/task/file-${i}.py`, TEXT),
	}),
	(i) => ({ shell: `cat /tmp/task/file-${i - 1}.py`, ours: (computer) => computer.files.readText(`/tmp/task/file-${i - 1}.py`) }),
	(i) => ({
		shell: `sed -i 's/return a + b/return b + a/' /tmp/task/file-${i - 2}.py`,
		ours: (computer) => computer.files.replace(`/tmp/task/file-${i - 2}.py`, [{ old: "return a + b", new: "return b + a" }]),
	}),
	() => ({ shell: "grep -rn 'print' /tmp/task", ours: (computer) => computer.files.search("print", { path: "/tmp/task" }) }),
	() => ({ shell: "ls -la /tmp/task", ours: (computer) => computer.files.list("/tmp/task") }),
	(i) => same(`cd /tmp/task && VALUE=${i} && echo $VALUE`),
	() => same("wc -l /tmp/task/*.py | tail -1"),
	() => same("echo hello | tr a-z A-Z"),
	() => same("for i in 1 2 3; do echo $i; done"),
	() => same("ls /tmp/task | sort | head -3"),
];

function same(command) {
	return { shell: command, ours: (computer) => computer.exec(command) };
}
