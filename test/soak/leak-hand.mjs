// A host process whose leaks are counted: opens, runs and closes as often as it is told, and says what it holds. Needs --expose-gc.
import { readdirSync } from "node:fs";
import { openComputer } from "lms-computer";

const options = JSON.parse(process.argv[2]);
/** Open all the while, so that the machine and its shells stay. */
let keeper;

const CALLS = {
	begin: async () => {
		keeper = await openComputer(options);
		await keeper.exec("echo");
	},
	cycles: async ({ count }) => {
		for (let i = 0; i < count; i++) {
			const computer = await openComputer(options);
			const { stdout } = await computer.exec("echo $$");
			if (stdout.trim() === "") throw new Error("a command without its output");
			await computer.close();
		}
	},
	execs: async ({ count }) => {
		for (let i = 0; i < count; i++) {
			const { stdout } = await keeper.exec(`echo ${i}`);
			if (stdout !== `${i}\n`) throw new Error(`expected ${i}, got ${stdout}`);
		}
	},
	held: async () => {
		// By the shell itself: of a pipe's programs one sees the other, or not yet.
		const count = (pattern) => `set -- ${pattern}; echo $#`;
		const inside = await keeper.exec(`${count("/proc/1/fd/*")}; ${count("/proc/[0-9]*")}; sed -n 's/^VmRSS: *//p' /proc/1/status`, {
			session: "looks",
		});
		const [agentDescriptors, guestProcesses, agentKb] = inside.stdout.split("\n").map((line) => Number.parseInt(line, 10));
		// What an ended command leaves to be done is done first.
		await new Promise((resolve) => setTimeout(resolve, 200));
		for (let i = 0; i < 3; i++) globalThis.gc();
		return {
			descriptors: readdirSync("/proc/self/fd").length,
			listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
			resources: process.getActiveResourcesInfo().length,
			agentDescriptors,
			guestProcesses,
			heapMb: process.memoryUsage().heapUsed / 2 ** 20,
			agentMb: agentKb / 1024,
		};
	},
	end: async () => {
		await keeper?.remove();
	},
};

process.on("message", async ({ id, call, args }) => {
	try {
		process.send({ id, value: await CALLS[call](args) });
	} catch (error) {
		process.send({ id, error: { name: error.name, code: error.code, message: error.message, stack: error.stack } });
	}
	if (call === "end") process.disconnect();
});
process.send({ ready: true });
