/** From nothing to the first result of a command. */
import { openComputer } from "lms-computer";
import { storm } from "../measure.mjs";
import { cli, missingProgram, testcontainers } from "../peers.mjs";
import { IMAGE, ours } from "../stage.mjs";

export default async function run(stage) {
	const made = [];
	const open = async (options) => {
		const computer = await openComputer(options);
		made.push(computer);
		const { stdout } = await computer.exec("echo ready");
		if (stdout !== "ready\n") throw new Error(`expected "ready", got ${JSON.stringify(stdout)}`);
	};
	const removeAll = async () => void (await Promise.all(made.splice(0).map((computer) => computer.remove())));
	stage.later(removeAll);
	await prepared(stage, open);
	await removeAll();
	await cold(stage, open);
	await removeAll();
	await many(stage, open, removeAll);
}

async function peers(stage) {
	const ways = {};
	if (stage.has("docker")) {
		ways["docker run --rm"] = () => cli("docker", "run", "--rm", "--network", "none", IMAGE, "echo", "ready");
		const { library, missing } = await testcontainers();
		if (missing) stage.skip("testcontainers", missing);
		else {
			ways.testcontainers = async () => {
				const start = performance.now();
				const it = await new library.GenericContainer(IMAGE).withCommand(["sleep", "infinity"]).withNetworkMode("none").start();
				await it.exec(["echo", "ready"]);
				const took = performance.now() - start;
				await it.stop();
				return took;
			};
		}
	}
	if (stage.has("podman")) ways["podman run --rm"] = () => cli("podman", "run", "--rm", "--network", "none", IMAGE, "echo", "ready");
	for (const [program, ...args] of [
		["unshare", "--fork", "--pid", "--mount", "--ipc", "--uts", "--net", "--mount-proc", "bash", "-c", "echo ready"],
		["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "bash", "-c", "echo ready"],
	]) {
		const missing = await missingProgram(program);
		if (missing) stage.skip(program, missing);
		else ways[`${program}, a namespace with nothing in it`] = () => cli(program, ...args);
	}
	return ways;
}

async function prepared(stage, open) {
	const fresh = stage.drivers.map((driver) => [ours(driver), () => open(stage.options(driver))]);
	await stage.compare(
		"start",
		"From nothing to the first result, its image prepared",
		{ ...(await peers(stage)), ...Object.fromEntries(fresh) },
		{
			rounds: stage.rounds(11, 3),
			goals: [
				{ text: "on Docker at most 0.65 of docker run", way: ours("docker"), against: "docker run --rm", share: 0.65 },
				{ text: "with namespaces at most 0.1 of docker run", way: ours("namespace"), against: "docker run --rm", share: 0.1 },
				{ text: "with namespaces at most 35 ms", way: ours("namespace"), ms: 35 },
			],
		},
	);
}

/** An image that no computer was made from before: the agent is put into it first. */
async function cold(stage, open) {
	const ways = {};
	if (stage.has("docker")) ways["docker run --rm"] = () => cli("docker", "run", "--rm", "--network", "none", IMAGE, "echo", "ready");
	let count = 0;
	for (const engine of ["docker", "podman"].filter((driver) => stage.has(driver))) {
		ways[ours(engine)] = async () => {
			const image = `${stage.prefix}image:${++count}`;
			const { stdout } = await cli(engine, "create", "--network", "none", IMAGE, "true");
			await cli(engine, "commit", "--change", `LABEL bench=${image}`, stdout.trim(), image);
			await cli(engine, "rm", stdout.trim());
			stage.later(async () => {
				const label = (await cli(engine, "image", "inspect", "--format", "{{.Id}}", image)).stdout.trim();
				const own = (await cli(engine, "images", "-q", "--filter", `label=lms-computer.base=${label}`)).stdout.trim().split("\n");
				await cli(engine, "rmi", "-f", ...own.filter((id) => id !== ""), image);
			});
			const start = performance.now();
			await open({ ...stage.options(engine), image });
			return performance.now() - start;
		};
	}
	if (Object.keys(ways).length === 0) return;
	await stage.compare("start-cold", "From an image that was never used before", ways, { rounds: stage.rounds(5, 2), warm: false });
}

/** One after the other, each a moment after the one before, and all at once. */
async function many(stage, open, removeAll) {
	for (const [driver, count] of [
		["docker", stage.quick ? 5 : 20],
		["namespace", stage.quick ? 20 : 100],
	]) {
		if (!stage.has(driver)) continue;
		const way = (staggerMs) => async () => {
			// What other figures have counts as well.
			const figures = await storm(count, () => open({ ...stage.options(driver), maxComputers: 0 }), staggerMs);
			await removeAll();
			return figures;
		};
		const run = () => cli("docker", "run", "--rm", "--network", "none", IMAGE, "echo", "ready");
		const ways = {};
		if (stage.has("docker")) ways[`docker run --rm, ${stage.quick ? 5 : 20} at once`] = await storm(stage.quick ? 5 : 20, run);
		ways[`${ours(driver)}, ${count} at once`] = await way(0)();
		ways[`${ours(driver)}, ${count}, one each 100 ms`] = await way(100)();
		stage.keep({ name: `burst-${driver}`, title: `Many at once, ${driver}`, ways });
	}
}
