/** What is there of a run: before it and after it the same. */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import type { DriverName } from "lms-computer";

export interface Place {
	readonly driver: DriverName;
	/** Computers' names begin with it. */
	readonly prefix: string;
	/** Beyond this process's own: what leads to the engine. */
	readonly env?: Readonly<Record<string, string>>;
	/** The engine's own; undefined: the user's, where only containers of that prefix count. */
	readonly engineDirectory: string | undefined;
	/** Of records, and of temporary files. */
	readonly directories: readonly string[];
}

/** A sorted list, in words. */
export async function remains(place: Place): Promise<readonly string[]> {
	const lists = await Promise.all([containers(place), images(place), processes(place), mounts(place), groups(place), files(place)]);
	return lists.flat().sort();
}

async function containers(place: Place): Promise<string[]> {
	if (place.driver === "namespace") return [];
	const { driver, prefix, engineDirectory } = place;
	// With what Podman has in its store alone.
	const all = driver === "podman" ? ["--all", "--external"] : ["--all"];
	const found = (await engineLines(place, ["ps", ...all, "--format", "{{.Names}} ({{.Status}})"])).filter(
		(line) => engineDirectory !== undefined || line.includes(prefix),
	);
	return found.map((line) => `container ${line.replace(/\(.*/, "")}`);
}

async function images(place: Place): Promise<string[]> {
	if (place.driver === "namespace" || place.engineDirectory === undefined) return [];
	return (await engineLines(place, ["images", "--all", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"])).map((line) => `image ${line}`);
}

async function engineLines({ driver, env }: Place, argv: readonly string[]): Promise<string[]> {
	return lines((await promisify(execFile)(driver, argv, { env: { ...process.env, ...env } })).stdout);
}

/** Of machines of the run's own engine, by what they have mounted, and what has a computer's name in its command line. */
async function processes({ prefix, engineDirectory }: Place): Promise<string[]> {
	const found: string[] = [];
	for (const pid of await readdir("/proc")) {
		if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
		const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim();
		const mounted = engineDirectory === undefined ? "" : await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "");
		const inside = engineDirectory !== undefined && /^\S+ \S+ \S+ \S+ \/ .*$/m.exec(mounted)?.[0].includes(basename(engineDirectory));
		if (inside || command.includes(prefix)) found.push(`process ${command.slice(0, 120)}`);
	}
	return found;
}

async function mounts({ prefix, engineDirectory }: Place): Promise<string[]> {
	const text = await readFile("/proc/self/mounts", "utf8").catch(() => "");
	const points = lines(text).map((line) => line.split(" ")[1] ?? "");
	return points
		.filter(
			(path) =>
				path.includes(prefix) ||
				(engineDirectory !== undefined && /\/(merged|rootfs|mnt|shm)\b/.test(path) && path.startsWith(`${engineDirectory}/`)),
		)
		.map((path) => `mount ${path}`);
}

async function groups({ prefix }: Place): Promise<string[]> {
	const found = new Set<string>();
	const walk = async (path: string, depth: number): Promise<void> => {
		for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
			if (!entry.isDirectory()) continue;
			if (entry.name.includes(prefix)) found.add(`cgroup ${entry.name}`);
			else if (depth > 1) await walk(join(path, entry.name), depth - 1);
		}
	};
	await walk("/sys/fs/cgroup", 4);
	return [...found];
}

async function files({ directories }: Place): Promise<string[]> {
	const found: string[] = [];
	for (const directory of directories) {
		for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])) {
			if (!entry.isDirectory()) found.push(`file ${join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1)}`);
		}
	}
	return found;
}

function lines(text: string): string[] {
	return text.split("\n").filter((line) => line !== "");
}
