import { readdir, readFile, stat } from "node:fs/promises";

/** Before the name of every container of ours: of machines, of what is to be one, of what an image is prepared with. */
export const NAME_PREFIX = "lms-";

/**
 * Podman keeps the monitor of every finished exec for `exit_command_delay` (300 s; containers.conf(5)), in case somebody asks how it ended, and keeps it when
 * the container is removed too. Only a local engine's are seen here, and only this user's are ended.
 *
 * That a container is gone is told by its own directory, which is there before its monitor and goes with it: a list of containers has none that were made since,
 * nor those of another storage of Podman's, and without its monitor a container is lost.
 *
 * What such a monitor still watches ends with it: Podman lets go of its lock while it waits for a container that it removes to end, and removes one that was started
 * again in that moment as it runs. A first process that waits for its start is left without a monitor when its service was killed in the middle of that, which
 * Podman then does not know of: it ends with its container.
 * @param of one container; else all of ours
 */
export async function endOrphanedMonitors(of?: string): Promise<void> {
	const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
	await Promise.all(
		pids.map(async (pid) => {
			try {
				const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
				if (of !== undefined && argv[1] === "init" && (await readFile(`/proc/${pid}/cgroup`, "utf8")).includes(`/libpod-${of}`)) {
					process.kill(Number(pid), "SIGKILL");
					return;
				}
				const monitor = readMonitor(pid, argv);
				if (monitor === undefined || (of === undefined ? !monitor.containerName.startsWith(NAME_PREFIX) : monitor.containerId !== of))
					return;
				if ((await stat(`/proc/${pid}`)).uid !== process.getuid?.() || !(await isMissing(monitor.directory))) return;
				const watched = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter((child) => child !== "");
				// It first, or it would report their end to a Podman that knows nothing of them.
				for (const one of [pid, ...watched]) process.kill(Number(one), "SIGKILL");
			} catch {
				// It has ended by itself.
			}
		}),
	);
}

async function isMissing(path: string): Promise<boolean> {
	return await stat(path).then(
		() => false,
		({ code }: NodeJS.ErrnoException) => code === "ENOENT",
	);
}

interface Monitor {
	readonly containerId: string;
	readonly containerName: string;
	/** As the monitor itself sees it: it may have another root than we. */
	readonly directory: string;
}

function readMonitor(pid: string, argv: readonly string[]): Monitor | undefined {
	const [program = ""] = argv;
	const [containerId, containerName, bundle] = ["-c", "-n", "-b"].map((flag) => wordAfter(argv, flag));
	if (!/(^|\/)conmon$/.test(program) || !containerId || !containerName || !bundle) return undefined;
	// An exec's bundle is below its container's.
	const [above] = bundle.split(containerId);
	return { containerId, containerName, directory: `/proc/${pid}/root${above}${containerId}` };
}

function wordAfter(argv: readonly string[], flag: string): string | undefined {
	const at = argv.indexOf(flag);
	return at < 0 ? undefined : argv[at + 1];
}
