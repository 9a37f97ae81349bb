import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { promisify } from "node:util";
import type { DriverName } from "../../packages/computer/src/driver.js";
import { leaseDriver } from "../../packages/computer/src/drivers/registry.js";

/** What is still there of computers whose name begins with the prefix: machines, containers, processes. Empty is as it should be. */
export async function leftovers(drivers: readonly DriverName[], prefix: string): Promise<string[]> {
	const lists = await Promise.all(drivers.map((name) => (name === "namespace" ? machines(name, prefix) : containers(name, prefix))));
	return [...lists.flat(), ...(await processes(prefix))];
}

/** By the engine's own command: a machine that the driver has lost sight of is a leftover too. */
async function containers(engine: "docker" | "podman", prefix: string): Promise<string[]> {
	const argv = ["ps", "--all", "--filter", "label=lms-computer=1", "--format", "{{.ID}} {{.Names}} {{.Status}}"];
	const { stdout } = await promisify(execFile)(engine, argv);
	return stdout
		.split("\n")
		.filter((line) => line.includes(prefix))
		.map((line) => `${engine} container ${line}`);
}

async function machines(name: DriverName, prefix: string): Promise<string[]> {
	const lease = await leaseDriver(name);
	try {
		const infos = await lease.driver.list();
		return infos.filter((info) => info.name.startsWith(prefix)).map((info) => `${name} machine ${info.name} (${info.state})`);
	} finally {
		await lease.release();
	}
}

/** A process that has one of our names in its command line, or in the path of a file that it has open: a namespace machine holds its own lock, whatever became of its directory. */
async function processes(prefix: string): Promise<string[]> {
	const found: string[] = [];
	for (const pid of await readdir("/proc").catch(() => [])) {
		if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
		const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
		const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
		const paths = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => "")));
		if (![command, ...paths].some((text) => text.includes(prefix))) continue;
		found.push(`process ${pid}: ${command.replaceAll("\0", " ").slice(0, 160)}`);
	}
	return found;
}
