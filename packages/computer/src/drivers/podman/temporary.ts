/**
 * Where our service puts what it needs for the time of a commit or a pull. One that is killed leaves that for good, in names of Podman's own that tell nobody whose
 * they are, and as large as a machine's files: so ours has a directory of its own, and the next one clears it.
 */
import { createHash } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../engine/host.js";

/** Podman's own default, made for large files where /tmp is often memory: containers.conf(5), `image_copy_tmp_dir`. */
const LARGE = "/var/tmp";

/**
 * A new one for the service of that socket; those of the ones before it go.
 * @returns undefined where Podman is to have its own way: the user has configured one, or none can be made
 */
export async function ownTemporaryDirectory(host: Host, socket: string): Promise<string | undefined> {
	const given = host.env["TMPDIR"];
	if (!given && (await isConfigured(host))) return undefined;
	const parent = given || LARGE;
	const prefix = `lms-podman-${createHash("sha256").update(socket).digest("hex").slice(0, 8)}-`;
	try {
		const before = (await readdir(parent)).filter((name) => name.startsWith(prefix)).map((name) => join(parent, name));
		const live = before.length === 0 ? [] : await environments(`unix://${socket}`);
		for (const path of before) {
			// One that does not answer yet may be about to, when who started it was killed.
			if (live.some((environment) => environment.includes(`TMPDIR=${path}`))) continue;
			// Anybody may make a directory of that name there.
			if ((await lstat(path)).uid === host.uid) await rm(path, { recursive: true, force: true });
		}
		return await mkdtemp(join(parent, prefix));
	} catch {
		return undefined;
	}
}

/** Of the services with that address. Containers' monitors have their service's environment, and live on. */
async function environments(address: string): Promise<readonly (readonly string[])[]> {
	const read = async (pid: string, name: string) => (await readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "")).split("\0");
	const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
	const services = await Promise.all(pids.map(async (pid) => ((await read(pid, "cmdline")).includes(address) ? [pid] : [])));
	return await Promise.all(services.flat().map((pid) => read(pid, "environ")));
}

/** TMPDIR comes before it, so that ours would undo it. */
async function isConfigured({ env, home }: Host): Promise<boolean> {
	const own = join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "containers/containers.conf");
	const main = env["CONTAINERS_CONF"]
		? [env["CONTAINERS_CONF"]]
		: ["/usr/share/containers/containers.conf", "/etc/containers/containers.conf", own];
	const more = await Promise.all(
		main.map(async (path) => (await readdir(`${path}.d`).catch(() => [])).map((name) => join(`${path}.d`, name))),
	);
	const paths = [...main, ...more.flat(), env["CONTAINERS_CONF_OVERRIDE"] ?? ""];
	const texts = await Promise.all(paths.map((path) => readFile(path, "utf8").catch(() => "")));
	return texts.some((text) => /^\s*image_copy_tmp_dir\s*=/m.test(text));
}
