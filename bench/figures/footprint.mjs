/** What computers cost when nothing happens in them, and what the host process costs. */
import { readFile, readlink } from "node:fs/promises";
import { availableBytes, cpuMsOf, memoryOf, processesWith } from "../host.mjs";
import { ours } from "../stage.mjs";

const MIB = 1024 * 1024;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function run(stage) {
	for (const driver of stage.drivers) await one(stage, driver);
	if (stage.has("namespace")) await crowd(stage, stage.quick ? 20 : 200);
}

/** One that has run a command and now does nothing. */
async function one(stage, driver) {
	const computer = await stage.fresh(driver);
	await computer.exec("true");
	await pause(stage.quick ? 1000 : 6000);
	const agent = await pidOutside(computer);
	const { rssBytes, privateBytes } = await memoryOf(agent);
	const before = [await cpuMsOf(agent), process.cpuUsage()];
	const watched = stage.quick ? 2000 : 20_000;
	await pause(watched);
	const agentMs = (await cpuMsOf(agent)) - before[0];
	const own = process.cpuUsage(before[1]);
	const busyFrom = [await cpuMsOf(agent), process.cpuUsage(), performance.now()];
	const calls = stage.quick ? 200 : 2000;
	for (let i = 0; i < calls; i++) await computer.exec(":");
	const busyOwn = process.cpuUsage(busyFrom[1]);
	stage.keep({
		name: `footprint-${driver}`,
		title: `One computer, ${driver}`,
		values: {
			"memory of the agent, idle": { value: rssBytes / MIB, unit: "MiB" },
			"of that its own, not shared with other agents": { value: privateBytes / MIB, unit: "MiB" },
			"processes of the computer, the shell included": { value: (await computer.metrics()).pids.used, unit: "" },
			"processor time of the agent, idle": { value: (agentMs / watched) * 100, unit: "% of one" },
			"processor time of the host process, idle": { value: ((own.user + own.system) / 1000 / watched) * 100, unit: "% of one" },
			"processor time of the agent for one call": { value: ((await cpuMsOf(agent)) - busyFrom[0]) / calls, unit: "ms" },
			"processor time of the host process for one call": { value: (busyOwn.user + busyOwn.system) / 1000 / calls, unit: "ms" },
		},
		goals: [{ text: "the agent at most 8 MiB resident when idle", value: "memory of the agent, idle", atMost: 8 }],
	});
	await computer.remove();
}

/** The agent's process as this host numbers it: the first of the computer's pid namespace. */
async function pidOutside(computer) {
	const { stdout } = await computer.exec("readlink /proc/self/ns/pid");

	for (const { pid } of await processesWith("init")) {
		if ((await readlink(`/proc/${pid}/ns/pid`).catch(() => "")) !== stdout.trim()) continue;
		if (/^NSpid:.*\s1$/m.test(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))) return pid;
	}
	throw new Error(`no agent of ${computer.name} is in sight`);
}

/** Many at once: all answer, and what each of them adds. */
async function crowd(stage, count) {
	const before = await availableBytes();
	const heapBefore = process.memoryUsage().rss;
	const start = performance.now();
	const computers = [];
	for (let i = 0; i < count; i++) {
		computers.push(await stage.fresh("namespace", { maxComputers: 0 }));
		await computers.at(-1).exec("true");
	}
	const made = performance.now() - start;
	await pause(stage.quick ? 1000 : 6000);
	const used = before - (await availableBytes());
	let agents = 0;
	let shells = 0;
	const sample = computers.slice(0, 20);
	for (const computer of sample) {
		const agent = await pidOutside(computer);
		agents += (await memoryOf(agent)).privateBytes;
		for (const { pid } of await processesWith("bash", "--noediting"))
			shells += (await isIn(pid, agent)) ? (await memoryOf(pid)).privateBytes : 0;
	}
	const began = performance.now();
	const answers = await Promise.all(
		computers.map((computer) =>
			computer.exec("echo $$").then(
				({ exitCode }) => exitCode === 0,
				() => false,
			),
		),
	);
	const answered = performance.now() - began;
	stage.keep({
		name: "crowd",
		title: `${count} computers at once, ${ours("namespace")}`,
		values: {
			"made one after the other, each with its first command": { value: made / count, unit: "ms each" },
			"of them that answer": { value: (answers.filter(Boolean).length / count) * 100, unit: "%" },
			"until all have answered, asked at once": { value: answered, unit: "ms" },
			"memory of the whole machine for each": { value: used / count / MIB, unit: "MiB" },
			"of that the agent's own": { value: agents / sample.length / MIB, unit: "MiB" },
			"of that the shell's own": { value: shells / sample.length / MIB, unit: "MiB" },
			"memory of the host process for each": { value: (process.memoryUsage().rss - heapBefore) / count / MIB, unit: "MiB" },
		},
		goals: [
			{ text: "all answer", value: "of them that answer", atLeast: 100 },
			{ text: "at most 12 MiB each, the shell included", value: "memory of the whole machine for each", atMost: 12 },
		],
	});
	await Promise.all(computers.map((computer) => computer.remove()));
}

async function isIn(pid, agent) {
	const space = (of) => readlink(`/proc/${of}/ns/pid`).catch(() => of);
	return (await space(pid)) === (await space(agent));
}
