/** What this machine is, and what its processes use. */
import { readdir, readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { cli } from "./peers.mjs";

export async function hostFacts() {
	const version = async (...words) => (await cli(...words).catch(() => ({ stdout: "" }))).stdout.trim() || null;
	return {
		cpus: cpus().length,
		cpu: cpus()[0]?.model.trim() ?? "",
		memoryGiB: Math.round(totalmem() / 2 ** 30),
		kernel: release(),
		node: process.version,
		docker: await version("docker", "version", "--format", "{{.Server.Version}}"),
		podman: await version("podman", "version", "--format", "{{.Client.Version}}"),
		loadBefore: loadavg().map((load) => Math.round(load * 100) / 100),
	};
}

/** Processes whose command line has all of these words. */
export async function processesWith(...words) {
	const found = [];
	for (const pid of await readdir("/proc")) {
		if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
		const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
		if (words.every((word) => command.includes(word))) found.push({ pid: Number(pid), command: command.trim() });
	}
	return found;
}

/** `rss` counts what is shared in each, `pss` divides it. */
export async function memoryOf(pid) {
	const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
	const kib = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
	return { rssBytes: kib("Rss") * 1024, pssBytes: kib("Pss") * 1024, privateBytes: (kib("Private_Clean") + kib("Private_Dirty")) * 1024 };
}

/** User and system time so far. */
export async function cpuMsOf(pid) {
	const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
	const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10;
}

/** What the machine has left. */
export async function availableBytes() {
	return Number(/^MemAvailable:\s+(\d+)/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1]) * 1024;
}
