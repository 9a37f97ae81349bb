/** A computer's machine as the host sees it, past every driver. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Computer, findComputer, type OpenOptions } from "lms-computer";
import { stateDirectory } from "../../packages/computer/src/drivers/state-directory.js";
import { output } from "./output.js";
import { fromRoot } from "./repository.js";

const NAMESPACES = ["pid", "mnt", "net", "ipc", "uts"] as const;
type Namespaces = Record<(typeof NAMESPACES)[number], string>;

export async function guestNamespaces(computer: Computer): Promise<Namespaces> {
	const text = await output(computer, `for n in ${NAMESPACES.join(" ")}; do readlink /proc/self/ns/$n; done`);
	return Object.fromEntries(text.split("\n").map((link, i) => [NAMESPACES[i], link])) as Namespaces;
}

export async function hostNamespaces(pid: number | "self" = "self"): Promise<Namespaces> {
	const links = await Promise.all(NAMESPACES.map(async (name) => [name, await readlink(`/proc/${pid}/ns/${name}`)] as const));
	return Object.fromEntries(links) as Namespaces;
}

/** The host's ids of all processes of that pid namespace, its first process first. */
export async function processesIn(pidNamespace: string): Promise<number[]> {
	const found: { readonly pid: number; readonly inside: number }[] = [];
	for (const name of await readdir("/proc")) {
		if (!/^\d+$/.test(name)) continue;
		const link = await readlink(`/proc/${name}/ns/pid`).catch(() => "");
		if (link !== pidNamespace) continue;
		const status = await readFile(`/proc/${name}/status`, "utf8").catch(() => "");
		const inside = /^NSpid:.*\s(\d+)$/m.exec(status)?.[1];
		if (inside !== undefined) found.push({ pid: Number(name), inside: Number(inside) });
	}
	return found.sort((a, b) => a.inside - b.inside).map(({ pid }) => pid);
}

/** The machine dies, as when the host kills it: its first process gets KILL. */
export async function killMachine(computer: Computer): Promise<void> {
	const [first] = await processesIn((await guestNamespaces(computer)).pid);
	if (first === undefined) throw new Error(`no process of ${computer.name} is in sight on this host`);
	process.kill(first, "SIGKILL");
}

/** The machine goes, with all its files, and this handle is not told. */
export async function removeMachine(computer: Computer): Promise<void> {
	if (computer.driver === "namespace") {
		await (await findComputer({ name: computer.name, driver: computer.driver }))?.remove();
		return;
	}
	await promisify(execFile)(computer.driver, ["rm", "--force", `lms-computer-${computer.name}`]);
}

/**
 * Every process of it stands still, and this handle is not told.
 * @returns why an ordinary user has nothing to do that with here, if that is so
 */
export async function pauseMachine(computer: Computer): Promise<string | undefined> {
	if (computer.driver !== "namespace") {
		const pausing = promisify(execFile)(computer.driver, ["pause", `lms-computer-${computer.name}`]);
		return await pausing.then(
			() => undefined,
			({ stderr }: { stderr: string }) => {
				if (process.getuid?.() === 0 || !/can not pause containers on rootless/.test(stderr)) throw new Error(stderr);
				return stderr;
			},
		);
	}
	const groups = await freeze(`/lms-computer/${computer.name}-`);
	return groups === 0 && process.getuid?.() !== 0 ? "no cgroup of its own" : undefined;
}

/**
 * What runs in the control groups that have this in their path stands still, and whoever made them is not told.
 * @returns how many groups these are
 */
export async function freeze(part: string): Promise<number> {
	const groups = (await directories("/sys/fs/cgroup", 4)).filter((path) => path.includes(part));
	const write = (file: string, text: string) => Promise.all(groups.map((group) => written(join(group, file), text)));
	// Where there are control groups of both versions it is one of the first that freezes.
	if (!(await write("freezer.state", "FROZEN")).includes(true)) await write("cgroup.freeze", "1");
	return groups.length;
}

async function written(path: string, text: string): Promise<boolean> {
	return await writeFile(path, text, { flag: "r+" }).then(
		() => true,
		() => false,
	);
}

/** SIGSTOP, and every thread of it stands still: each goes on until it notices, and may answer a request before that. */
export async function stopProcess(pid: number): Promise<void> {
	process.kill(pid, "SIGSTOP");
	const goesOn = async () => {
		const threads = await readdir(`/proc/${pid}/task`);
		const states = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8").catch(() => ") T ")));
		return states.some((state) => !state.includes(") T "));
	};
	while (await goesOn()) await sleep(5);
}

/** What on this host still has one of these words in its name: containers, cgroups, mounts, sockets, state. */
export async function traces(computer: Computer, words: readonly string[]): Promise<string[]> {
	const has = (text: string) => words.some((word) => text.includes(word));
	const lines = async (path: string) => (await readFile(path, "utf8")).split("\n").filter(has);
	const found = [...(await lines("/proc/self/mounts")), ...(await lines("/proc/net/unix"))];
	found.push(...(await directories("/sys/fs/cgroup", 4)).filter(has));
	found.push(...(await readdir(join(stateDirectory(), "namespace")).catch(() => [])).filter(has));
	if (computer.driver !== "namespace") {
		const { stdout } = await promisify(execFile)(computer.driver, ["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]);
		found.push(...stdout.split("\n").filter(has));
	}
	return found;
}

async function directories(path: string, depth: number): Promise<string[]> {
	if (depth === 0) return [];
	const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
	const below = entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
	return [...below, ...(await Promise.all(below.map((directory) => directories(directory, depth - 1)))).flat()];
}

/** Another process that opens a computer, runs one command and closes. Its lines tell how far it is; see holder.mjs. */
export function startHolder(options: OpenOptions, command: string, execOptions: object = {}) {
	const argv = [fromRoot("test/support/holder.mjs"), JSON.stringify(options), command, JSON.stringify(execOptions)];
	const child = spawn(process.execPath, argv, { cwd: fromRoot("."), stdio: ["ignore", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const lines: Record<string, unknown>[] = [];
	const waiting = new Set<() => void>();
	const reader = createInterface({ input: child.stdout });
	reader.on("line", (line) => {
		lines.push(JSON.parse(line));
		for (const look of waiting) look();
	});
	return {
		exited,
		kill: () => child.kill("SIGKILL"),
		/** The first line with that key. */
		async line<T>(key: string): Promise<T> {
			return new Promise((resolve, reject) => {
				const look = () => {
					const found = lines.find((line) => key in line);
					if (found === undefined) return;
					waiting.delete(look);
					resolve(found[key] as T);
				};
				waiting.add(look);
				reader.once("close", () => reject(new Error(`the other process ended without a line "${key}": ${JSON.stringify(lines)}`)));
				look();
			});
		},
	};
}
