/**
 * Podman freezes a container while it copies its files, and takes note of that only then. A service that is killed between the two leaves one that stands still and
 * of which Podman says that it runs; it has no call that lets such a one go on. The kernel has: https://docs.kernel.org/admin-guide/cgroup-v2.html, `cgroup.freeze`;
 * https://docs.kernel.org/admin-guide/cgroup-v1/freezer-subsystem.html.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const VERSIONS = [
	{ controllers: "", directory: ROOT, file: "cgroup.freeze", frozen: /^1/, thawed: "0" },
	{ controllers: "freezer", directory: `${ROOT}/freezer`, file: "freezer.state", frozen: /^FR/, thawed: "THAWED" },
] as const;

/** @param pid of the container's first process on this host */
export async function isFrozen(containerId: string, pid: number): Promise<boolean> {
	return (await freezers(containerId, pid)).length > 0;
}

export async function thaw(containerId: string, pid: number): Promise<void> {
	for (const { path, thawed } of await freezers(containerId, pid)) await writeFile(path, thawed);
}

/** What holds it, outermost first; of its own groups alone, since whoever has frozen one above meant it. */
async function freezers(containerId: string, pid: number): Promise<readonly { readonly path: string; readonly thawed: string }[]> {
	const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "")).split("\n");
	const found: { path: string; thawed: string }[] = [];
	for (const line of lines) {
		const [, controllers, group = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
		const version = VERSIONS.find((one) => one.controllers === controllers);
		const names = group.split("/");
		const own = names.findIndex((name) => name.includes(containerId));
		if (version === undefined || own < 0) continue;
		for (let depth = own; depth < names.length; depth++) {
			const path = join(version.directory, ...names.slice(0, depth + 1), version.file);
			if (version.frozen.test(await readFile(path, "utf8").catch(() => ""))) found.push({ path, thawed: version.thawed });
		}
	}
	return found;
}
