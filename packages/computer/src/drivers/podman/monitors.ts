import { readdir, readFile } from "node:fs/promises";

/**
 * Podman keeps the monitor of every finished exec for `exit_command_delay` (300 s; containers.conf(5)), in case somebody asks how it
 * ended, and keeps it when the container is removed too. Only a local engine's are seen here, and only this user's can be ended.
 * @param containerId of a container that no longer exists
 */
export async function endMonitors(containerId: string): Promise<void> {
	await endWhere((argv) => wordAfter(argv, "-c") === containerId);
}

/** Those of our containers that are no more. @param containerIds of those that are there */
export async function endOrphanedMonitors(containerIds: ReadonlySet<string>): Promise<void> {
	await endWhere((argv) => {
		const id = wordAfter(argv, "-c");
		return id !== undefined && wordAfter(argv, "-n")?.startsWith("lms-computer-") === true && !containerIds.has(id);
	});
}

async function endWhere(matches: (argv: readonly string[]) => boolean): Promise<void> {
	const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
	await Promise.all(
		pids.map(async (pid) => {
			const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
			if (!/(^|\/)conmon$/.test(argv[0] ?? "") || !matches(argv)) return;
			try {
				process.kill(Number(pid), "SIGKILL");
			} catch {
				// It ended by itself, or it is another user's.
			}
		}),
	);
}

function wordAfter(argv: readonly string[], flag: string): string | undefined {
	const at = argv.indexOf(flag);
	return at < 0 ? undefined : argv[at + 1];
}
