import { readdir, readFile } from "node:fs/promises";

/**
 * Podman keeps the monitor of every finished exec for `exit_command_delay` (300 s; containers.conf(5)), in case somebody asks how it
 * ended, and keeps it when the container is removed too. Only a local engine's are seen here, and only this user's can be ended.
 * @param containerId of a container that no longer exists
 */
export async function endMonitors(containerId: string): Promise<void> {
	const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
	await Promise.all(
		pids.map(async (pid) => {
			const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
			if (!/(^|\/)conmon$/.test(argv[0] ?? "") || argv[argv.indexOf("-c") + 1] !== containerId) return;
			try {
				process.kill(Number(pid), "SIGKILL");
			} catch {
				// It ended by itself, or it is another user's.
			}
		}),
	);
}
