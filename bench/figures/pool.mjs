/** From a pool: spares that are ready, one after the other and a hundred at once. */
import { listComputers, openComputer } from "lms-computer";
import { storm, summary, timed } from "../measure.mjs";
import { cli } from "../peers.mjs";
import { IMAGE, ours } from "../stage.mjs";

export default async function run(stage) {
	for (const driver of stage.drivers) {
		const single = await takeEach(stage, driver);
		const many = stage.quick ? 10 : 100;
		const burst = driver === "podman" ? undefined : await takeAll(stage, driver, many);
		const way = `${ours(driver)}, one after the other`;
		const atOnce = `${ours(driver)}, ${many} at once`;
		const run = () => cli("docker", "run", "--rm", "--network", "none", IMAGE, "echo", "ready");
		stage.keep({
			name: `pool-${driver}`,
			title: `From a pool to the first result, ${driver}`,
			ways: {
				...(stage.has("docker") && { "docker run --rm": await storm(1, run) }),
				[way]: single,
				...(burst && { [atOnce]: burst }),
			},
			goals: [
				{ text: "one at most 5 ms", way, ms: 5 },
				{ text: "one at most 20 ms in the worst of a hundred", way, ms: 20, of: "p99Ms" },
				{ text: `${many} at once all served, p95 within 1.5 s`, way: atOnce, ms: 1500, of: "p95Ms" },
			],
		});
	}
}

const open = async (options) => {
	const computer = await openComputer(options);
	const { stdout } = await computer.exec("echo ready");
	if (stdout !== "ready\n") throw new Error(`expected "ready", got ${JSON.stringify(stdout)}`);
	return computer;
};

const options = (stage, driver, size) => ({ ...stage.options(driver), persistence: "ephemeral", maxComputers: 0, pool: { size } });

async function takeEach(stage, driver) {
	const rounds = stage.rounds(40, 8);
	const made = [await open(options(stage, driver, 4))];
	await filled(driver, 4);
	const times = [];
	for (let i = 0; i < rounds; i++) {
		times.push(await timed(async () => void made.push(await open(options(stage, driver, 4)))));
		await filled(driver, 4);
	}
	await empty(stage, driver, made, 4);
	return summary(times);
}

async function takeAll(stage, driver, count) {
	const made = [await open(options(stage, driver, count))];
	await filled(driver, count);
	const figures = await storm(count, async () => void made.push(await open(options(stage, driver, count))));
	await empty(stage, driver, made, count);
	return figures;
}

async function filled(driver, count) {
	const spares = async () => (await listComputers({ driver })).filter(({ name }) => name.startsWith("pool-")).length;
	while ((await spares()) < count) await new Promise((resolve) => setTimeout(resolve, 100));
	// A spare is ready a moment after it is there: its shell is started.
	await new Promise((resolve) => setTimeout(resolve, 200));
}

async function empty(stage, driver, made, size) {
	made.push(await openComputer({ ...options(stage, driver, size), pool: { size: 0 } }));
	await Promise.all(made.map((computer) => computer.remove()));
}
