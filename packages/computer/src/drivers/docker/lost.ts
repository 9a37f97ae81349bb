/**
 * A container that Docker has removed and that runs on: its daemon was killed in the middle of a start, and never found out that there was one. It is known by its
 * control group, in one of the two places that Docker has for these: https://docs.docker.com/reference/cli/dockerd/, `--exec-opt native.cgroupdriver`.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const HIERARCHIES = ["/sys/fs/cgroup", "/sys/fs/cgroup/pids"];

/** Ends it, and what watches over it: its runtime then clears what the two had. Of a container that is gone alone. */
export async function endLost(containerId?: string): Promise<void> {
	if (containerId === undefined) return;
	const groups = HIERARCHIES.flatMap((path) => [
		join(path, "docker", containerId),
		join(path, "system.slice", `docker-${containerId}.scope`),
	]);
	const lists = await Promise.all(groups.map((group) => read(join(group, "cgroup.procs"))));
	for (const pid of lists.join("\n").split("\n").filter(Boolean)) {
		const parent = /^PPid:\s*(\d+)$/m.exec(await read(`/proc/${pid}/status`))?.[1] ?? "";
		const watches = (await read(`/proc/${parent}/cmdline`)).includes(containerId);
		for (const one of watches ? [pid, parent] : [pid]) kill(Number(one));
	}
}

async function read(path: string): Promise<string> {
	return await readFile(path, "utf8").catch(() => "");
}

function kill(pid: number): void {
	try {
		process.kill(pid, "SIGKILL");
	} catch {} // it has ended, or is not this user's to end
}
