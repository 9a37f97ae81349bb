import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseEndpoint } from "../../packages/computer/src/drivers/engine/endpoint.js";
import { describeHost, type Host } from "../../packages/computer/src/drivers/engine/host.js";
import { getJson } from "../../packages/computer/src/drivers/engine/ping.js";
import { createPodmanDriver } from "../../packages/computer/src/drivers/podman/index.js";
import { startService } from "../../packages/computer/src/drivers/podman/service.js";
import { lockStart } from "../../packages/computer/src/drivers/podman/start-lock.js";
import { DRIVERS } from "../support/drivers.js";

const skip =
	process.platform !== "linux" ? "only Linux has Podman without a machine" : DRIVERS.find(({ driver }) => driver === "podman")?.skip;
const applies = DRIVERS.some(({ driver }) => driver === "podman") && skip === undefined;

let directory: string;
let host: Host;

beforeEach(() => {
	directory = mkdtempSync(join(tmpdir(), "lms-run-"));
	// No PATH: a plugin host strips it, and a service without it would not find its own programs.
	const { PATH: _, ...env } = process.env;
	host = describeHost({ env: { ...env, XDG_RUNTIME_DIR: directory, TMPDIR: directory } });
});

afterEach(async () => {
	for (const pid of services()) process.kill(pid);
	await expect.poll(services).toEqual([]);
	rmSync(directory, { recursive: true });
});

/** The services that listen in this test's directory. */
function services(): number[] {
	const command = (pid: string): string => {
		try {
			return readFileSync(`/proc/${pid}/cmdline`, "utf8");
		} catch {
			return "";
		}
	};
	const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
	return pids.filter((pid) => command(pid).includes(`unix://${directory}`)).map(Number);
}

/** A name that a listener left behind when it was killed. */
async function leaveSocket(path: string): Promise<void> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(`${path}~`, resolve));
	renameSync(`${path}~`, path);
	await new Promise((resolve) => server.close(resolve));
}

describe.skipIf(!applies)(`the service of our own${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
	test("is one, however many start it, in a directory of this user alone", async () => {
		vi.resetModules();
		// A second copy of the module knows nothing of the first, as another process does.
		const other = await import("../../packages/computer/src/drivers/podman/service.js");
		const paths = await Promise.all([startService(host), other.startService(host), startService(host), other.startService(host)]);
		expect(new Set(paths).size).toBe(1);
		expect(services()).toHaveLength(1);
		const answer = await getJson(parseEndpoint(paths[0] ?? ""), "/version", AbortSignal.timeout(5_000));
		expect(answer).toMatchObject({ Components: expect.arrayContaining([expect.objectContaining({ Name: "Podman Engine" })]) });
		const own = join(directory, `lms-computer-${host.uid}`);
		expect(statSync(own).mode & 0o777).toBe(0o700);
		expect(readdirSync(own)).toEqual([expect.stringMatching(/^podman-[0-9a-f]{8}\.sock$/)]);
	});

	test("ends by itself when idle and takes its socket with it", async () => {
		const path = (await startService(host, { idleSeconds: 1 })) ?? "";
		expect(existsSync(path)).toBe(true);
		await expect.poll(services, { timeout: 10_000 }).toEqual([]);
		expect(existsSync(path)).toBe(false);
	});

	test("that was killed, and a start that was, are in nobody's way", async () => {
		const path = (await startService(host)) ?? "";
		const killed = services();
		for (const pid of killed) process.kill(pid, "SIGKILL");
		// Its command line goes before its sockets do: for a moment a process without one still answers.
		await expect.poll(() => killed.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
		expect(existsSync(path)).toBe(true);
		await leaveSocket(`${path}.start`);
		expect(await startService(host)).toBe(path);
		expect(services()).toHaveLength(1);
	});

	test("has temporary files of its own, and what a killed one has left of them goes with the next", async () => {
		const parent = join(directory, "temporary");
		mkdirSync(parent);
		const here = { ...host, env: { ...host.env, TMPDIR: parent } };
		await startService(here);
		const [first = ""] = readdirSync(parent);
		expect(services().map((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").split("\0"))).toEqual([
			expect.arrayContaining([`TMPDIR=${join(parent, first)}`]),
		]);
		mkdirSync(join(parent, first, "buildah1"));
		writeFileSync(join(parent, first, "buildah1/layer"), "a commit that was cut short");
		const killed = services();
		for (const pid of killed) process.kill(pid, "SIGKILL");
		await expect.poll(() => killed.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
		await startService(here);
		const second = readdirSync(parent);
		expect(second).not.toEqual([first]);
		expect(second.map((name) => readdirSync(join(parent, name)))).toEqual([[]]);
		// That of one which runs stays, though it does not answer.
		const path = (await startService(here)) ?? "";
		renameSync(path, `${path}.away`);
		await startService(here);
		expect(readdirSync(parent)).toHaveLength(2);
		expect(readdirSync(parent)).toEqual(expect.arrayContaining(second));
	});

	test("leaves its temporary files where the user has them", async () => {
		const conf = join(directory, "containers.conf");
		const given = process.env["CONTAINERS_CONF"];
		const text = given === undefined ? "" : readFileSync(given, "utf8");
		const line = `image_copy_tmp_dir = "${directory}"\n`;
		writeFileSync(conf, text.includes("[engine]\n") ? text.replace("[engine]\n", `[engine]\n${line}`) : `[engine]\n${line}${text}`);
		const { TMPDIR: _, ...env } = host.env;
		await startService({ ...host, env: { ...env, CONTAINERS_CONF: conf } });
		const environments = services().map((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").split("\0"));
		expect(environments).toEqual([expect.not.arrayContaining([expect.stringMatching(/^TMPDIR=/)])]);
	});

	test("is started again by the next call when it ended in between", async ({ skip }) => {
		const driver = createPodmanDriver({ env: host.env });
		const found = await driver.probe();
		if (found.usable && !found.endpoint.startsWith(directory)) skip(`Podman answers at ${found.endpoint} already`);
		for (const pid of services()) process.kill(pid);
		await expect.poll(services).toEqual([]);
		expect(await driver.list()).toEqual(expect.any(Array));
		expect(services()).toHaveLength(1);
		await driver.close();
	});

	test("that does not start says why, in Podman's own words", async () => {
		const broken = join(directory, "broken.conf");
		writeFileSync(broken, "[engine\n");
		const env = { ...host.env, CONTAINERS_CONF: broken };
		await expect(startService({ ...host, env })).rejects.toMatchObject({
			code: "driver_unavailable",
			message: expect.stringMatching(/broken\.conf|toml/i),
		});
		expect(services()).toEqual([]);
	});

	test("does not listen in a directory that somebody else could have put there", async () => {
		mkdirSync(join(directory, "elsewhere"));
		symlinkSync(join(directory, "elsewhere"), join(directory, `lms-computer-${host.uid}`));
		const env = { ...host.env, TMPDIR: directory };
		// Another parent directory may do; this one may not.
		await startService({ ...host, env }, { idleSeconds: 1 }).catch(() => {});
		expect(readdirSync(join(directory, "elsewhere"))).toEqual([]);
	});
});

test.skipIf(process.platform === "win32")("a lock is held by one, and who waits learns of its end", async () => {
	const path = join(directory, "lock");
	const unlock = await lockStart(path, Date.now() + 5_000);
	let waited = false;
	const second = lockStart(path, Date.now() + 5_000).then((result) => {
		waited = true;
		return result;
	});
	await new Promise((resolve) => setTimeout(resolve, 50));
	expect(waited).toBe(false);
	await unlock?.();
	expect(await second).toBeUndefined();
	await expect(Promise.all([lockStart(path, Date.now() + 5_000), lockStart(path, Date.now() + 50)])).rejects.toMatchObject({
		message: expect.stringContaining("does not finish"),
	});
});
