#!/usr/bin/env node
/**
 * Compares a computer with the usual ways, as ratios in one run. Needs Docker and Podman with the image there.
 * Usage: node bench/run.mjs [--rounds N] [--json]
 */
import { parseArgs } from "node:util";
import { openComputer } from "lms-computer";
import { measure, table } from "./measure.mjs";
import { apiExec, apiRead, apiWrite, cli, startContainer } from "./peers.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "30" }, json: { type: "boolean", default: false } } });
const rounds = Number(values.rounds);
const image = process.env.LMS_TEST_IMAGE_BASH ?? "debian:bookworm-slim";
const drivers = ["docker", "podman", "namespace"];
const each = (f) => Object.fromEntries(drivers.map((driver) => [driver, f(driver)]));
const results = {};
const note = (title, figures) => {
	results[title] = figures;
	if (!values.json) console.log(table(title, figures));
};

const container = await startContainer(image);
const podman = (await cli("podman", "run", "-d", "--network", "none", image, "sleep", "infinity")).stdout.trim();
const computers = {};
try {
	for (const driver of drivers) computers[driver] = await openComputer({ name: `bench-${process.pid}`, driver, image });
	const ours = (f) => Object.fromEntries(drivers.map((driver) => [`lms-computer, ${driver}`, () => f(computers[driver])]));
	const quick = { rounds, batch: Object.fromEntries(drivers.map((driver) => [`lms-computer, ${driver}`, 10])) };

	note(
		"A command that is a shell builtin",
		await measure(
			{
				"docker exec": () => cli("docker", "exec", container.id, "sh", "-c", ":"),
				"Engine API exec": () => apiExec(container, ["sh", "-c", ":"]),
				"podman exec": () => cli("podman", "exec", podman, "sh", "-c", ":"),
				...ours((computer) => computer.exec(":")),
			},
			quick,
		),
	);
	note(
		"A command that starts a program",
		await measure(
			{
				"docker exec": () => cli("docker", "exec", container.id, "/bin/true"),
				"Engine API exec": () => apiExec(container, ["/bin/true"]),
				"podman exec": () => cli("podman", "exec", podman, "/bin/true"),
				...ours((computer) => computer.exec("/bin/true")),
			},
			quick,
		),
	);
	const content = Buffer.alloc(1024, "x");
	note(
		"Write a file of 1 KB",
		await measure(
			{ "archive API": () => apiWrite(container, "bench", content), ...ours((computer) => computer.files.write("bench", content)) },
			quick,
		),
	);
	note(
		"Read a file of 1 KB",
		await measure({ "archive API": () => apiRead(container, "/root/bench"), ...ours((computer) => computer.files.read("bench")) }, quick),
	);

	let made = 0;
	const fresh = (driver) => async () => {
		const computer = await openComputer({ name: `bench-${process.pid}-${made++}`, driver, image });
		try {
			await computer.exec("echo ready");
		} finally {
			scrap.push(computer);
		}
	};
	const scrap = [];
	const figures = await measure(
		{
			"docker run --rm": () => cli("docker", "run", "--rm", "--network", "none", image, "echo", "ready"),
			...Object.fromEntries(Object.entries(each(fresh)).map(([driver, way]) => [`lms-computer, ${driver}`, way])),
		},
		{ rounds: Math.max(3, Math.round(rounds / 3)) },
	);
	await Promise.all(scrap.map((computer) => computer.remove()));
	note("From nothing to the first result", figures);
} finally {
	await Promise.allSettled([
		...Object.values(computers).map((computer) => computer.remove()),
		container.remove({ force: true }),
		cli("podman", "rm", "-f", "-t", "0", podman),
	]);
}
if (values.json) console.log(JSON.stringify(results, null, "\t"));
