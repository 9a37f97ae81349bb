/** An engine of a test's own, on a small disk of its own: it may be stopped, killed and filled up. The one that everybody uses is left alone. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Computer } from "lms-computer";
import { guestNamespaces, processesIn } from "./outside.js";

const run = promisify(execFile);
const IMAGE = process.env["LMS_TEST_IMAGE_SH"] ?? "busybox:stable";
/** The engine's data, an image, an agent, and this much to fill. */
const DISK_MB = 160;

export interface OwnEngine {
	/** All that it has. What its machines have mounted names it. */
	readonly directory: string;
	/** What leads the library, and the engine's own command line, to it. */
	readonly env: Readonly<Record<string, string>>;
	/** Of the process that a machine hangs on: the daemon, Podman's service, a machine's supervisor, for which a computer is needed. */
	pid(computer?: Computer): Promise<number>;
	/** After its end. Podman's service and a supervisor come back by themselves. */
	again(): Promise<void>;
	remove(): Promise<void>;
}

/** For whoever has its `env`. */
export async function ownEngine(driver: string, diskMb = DISK_MB): Promise<OwnEngine> {
	const directory = mkdtempSync(join(tmpdir(), "lms-own-"));
	await run("mount", ["-t", "tmpfs", "-o", `size=${diskMb}m`, basename(directory), directory]);
	const unmount = async () => {
		// What an engine has mounted below goes first.
		const below = readFileSync("/proc/self/mounts", "utf8").split("\n");
		const mounted = below.map((line) => line.split(" ")[1] ?? "").filter((path) => path === directory || path.startsWith(`${directory}/`));
		for (const path of mounted.reverse()) await run("umount", ["-l", path]).catch(() => {});
		await rm(directory, { recursive: true, force: true });
	};
	if (driver === "docker") return await ownDocker(directory, unmount);
	if (driver === "podman") return await ownPodman(directory, unmount);
	return { directory, env: { LMS_COMPUTER_STATE_DIR: directory }, pid: supervisor, again: async () => {}, remove: unmount };
}

/** For all of this test file. */
export async function useOwnEngine(driver: string, diskMb = DISK_MB): Promise<OwnEngine> {
	const engine = await ownEngine(driver, diskMb);
	Object.assign(process.env, engine.env);
	return engine;
}

async function ownDocker(directory: string, unmount: () => Promise<void>): Promise<OwnEngine> {
	const endpoint = `unix://${directory}/docker.sock`;
	const place = ["--data-root", `${directory}/data`, "--exec-root", `${directory}/exec`, "--pidfile", `${directory}/pid`];
	const argv = ["--host", endpoint, ...place, "--bridge=none", "--iptables=false", "--ip-masq=false"];
	let daemon: ChildProcess | undefined;
	const start = async () => {
		// Of the one that was killed: a number that another process may have by now.
		for (const stale of ["pid", "exec/containerd/containerd.pid"]) await rm(join(directory, stale), { force: true });
		// In a network of its own: with --bridge=none a daemon removes docker0, whosever it is.
		daemon = spawn("unshare", ["--net", "dockerd", ...argv], { stdio: "ignore" });
		for (let tries = 0; tries < 300; tries++) {
			if (await run("docker", ["--host", endpoint, "version"]).catch(() => undefined)) return;
			await sleep(100);
		}
		throw new Error("the test's own dockerd did not answer within 30 s");
	};
	const end = async () => {
		if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
		const ended = new Promise((resolve) => daemon?.once("exit", resolve));
		daemon.kill("SIGCONT");
		daemon.kill("SIGTERM");
		await ended;
	};
	await start();
	await run("sh", ["-c", `docker save ${IMAGE} | docker --host ${endpoint} load`]);
	return {
		directory,
		env: { DOCKER_HOST: endpoint },
		pid: async () => daemon?.pid ?? 0,
		again: start,
		async remove() {
			await end();
			// A daemon that was killed between a container's creation and its start never sees it again, nor containerd the process that watches over it.
			for (const pid of [...(await processesMounted(directory)), ...(await processesWith(directory))]) killed(pid);
			await unmount();
		},
	};
}

async function ownPodman(directory: string, unmount: () => Promise<void>): Promise<OwnEngine> {
	for (const name of ["root", "run", "tmp"]) mkdirSync(join(directory, name));
	const archive = join(directory, "image.tar");
	await run("podman", ["save", "--output", archive, `localhost/${IMAGE}`]);
	const storage = join(directory, "storage.conf");
	writeFileSync(storage, `[storage]\ndriver = "overlay"\ngraphroot = "${directory}/root"\nrunroot = "${directory}/run"\n`);
	// Locks and the temporary directory are otherwise shared with every other Podman of this user.
	const given = process.env["CONTAINERS_CONF"] === undefined ? "" : readFileSync(process.env["CONTAINERS_CONF"], "utf8");
	const conf = join(directory, "containers.conf");
	const engine = `[engine]\ntmp_dir = "${directory}/tmp"\nlock_type = "file"\n`;
	writeFileSync(conf, given.includes("[engine]\n") ? given.replace("[engine]\n", engine) : engine + given);
	const env = { CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: conf };
	const podman = (...argv: string[]) => run("podman", argv, { env: { ...process.env, ...env } });
	await podman("load", "--input", archive);
	await rm(archive);
	const service = async () => {
		for (const pid of await readdir("/proc")) {
			if (!/^\d+$/.test(pid)) continue;
			const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
			if (!command.includes("\0system\0service\0")) continue;
			const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
			if (environment.includes(`CONTAINERS_STORAGE_CONF=${storage}\0`)) return Number(pid);
		}
		return 0;
	};
	return {
		directory,
		env,
		// 0 is no number to send a signal to: it is every process of this test's.
		pid: async () => (await service()) || Promise.reject(new Error("Podman's service does not run")),
		again: async () => {},
		async remove() {
			const pid = await service();
			if (pid > 0) killed(pid);
			await podman("rm", "--all", "--force").catch(() => {});
			for (const monitor of await processesWith(directory)) killed(monitor);
			await unmount();
		},
	};
}

function killed(pid: number): void {
	try {
		process.kill(pid, "SIGKILL");
	} catch {} // it went with another
}

/** The host's processes with that path in their command line: nobody else's. */
async function processesWith(path: string): Promise<number[]> {
	const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
	const commands = await Promise.all(pids.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
	return pids.filter((_, index) => commands[index]?.includes(path)).map(Number);
}

/** The host's processes that have a root of that directory's engine. */
async function processesMounted(directory: string): Promise<number[]> {
	const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
	const mounts = await Promise.all(pids.map(async (pid) => await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "")));
	return pids.filter((_, index) => /^\S+ \S+ \S+ \S+ \/ .*$/m.exec(mounts[index] ?? "")?.[0].includes(basename(directory))).map(Number);
}

async function supervisor(computer?: Computer): Promise<number> {
	if (computer === undefined) return 0;
	const [first] = await processesIn((await guestNamespaces(computer)).pid);
	const parent = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${first}/status`, "utf8"))?.[1];
	return Number(parent);
}
