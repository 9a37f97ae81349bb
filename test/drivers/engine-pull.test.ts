import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import Docker from "dockerode";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Driver, MachineSpec, Progress } from "../../packages/computer/src/driver.js";
import { createDockerDriver } from "../../packages/computer/src/drivers/docker/index.js";
import { createPodmanDriver } from "../../packages/computer/src/drivers/podman/index.js";
import { machineSpec } from "../../packages/computer/src/options.js";
import { DRIVERS } from "../support/drivers.js";
import { freePort } from "../support/free-port.js";

const REGISTRY = "/usr/bin/docker-registry";
const ABSENT = existsSync(REGISTRY) ? undefined : "Debian's docker-registry is not installed";

/** Debian's registry on loopback, with or without a lock on its door. */
async function startRegistry(directory: string, locked: boolean): Promise<{ address: string; process: ChildProcess }> {
	const port = await freePort();
	const config = join(directory, `registry-${port}.yml`);
	const users = join(directory, "users");
	writeFileSync(users, "");
	const lock = locked ? `auth: { htpasswd: { realm: test, path: ${users} } }\n` : "";
	const storage = `storage: { filesystem: { rootdirectory: ${directory}/data-${port} } }\n`;
	writeFileSync(config, `version: 0.1\nlog: { level: error }\n${storage}http: { addr: 127.0.0.1:${port} }\n${lock}`);
	const child = spawn(REGISTRY, ["serve", config], { stdio: "ignore" });
	await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/v2/`), { timeout: 10_000 });
	return { address: `127.0.0.1:${port}`, process: child };
}

/** An image of one file, so of nothing that could run; the agent needs no more. */
async function push(address: string, name: string, architecture: string): Promise<void> {
	const archive = pack();
	archive.entry({ name: "hello" }, `hello ${architecture}`);
	archive.finalize();
	const tar = await buffer(archive);
	const layer = gzipSync(tar);
	const rootfs = { type: "layers", diff_ids: [digest(tar)] };
	const config = Buffer.from(JSON.stringify({ architecture, os: "linux", config: {}, rootfs }));
	for (const blob of [layer, config]) {
		const { headers } = await fetch(`http://${address}/v2/${name}/blobs/uploads/`, { method: "POST" });
		const url = new URL(headers.get("location") ?? "", `http://${address}`);
		url.searchParams.set("digest", digest(blob));
		expect(
			(await fetch(url, { method: "PUT", body: new Uint8Array(blob), headers: { "content-type": "application/octet-stream" } })).status,
		).toBe(201);
	}
	const type = "application/vnd.docker.distribution.manifest.v2+json";
	const manifest = JSON.stringify({
		schemaVersion: 2,
		mediaType: type,
		config: { mediaType: "application/vnd.docker.container.image.v1+json", size: config.length, digest: digest(config) },
		layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", size: layer.length, digest: digest(layer) }],
	});
	const put = await fetch(`http://${address}/v2/${name}/manifests/1`, { method: "PUT", body: manifest, headers: { "content-type": type } });
	expect(put.status).toBe(201);
}

function digest(bytes: Buffer): string {
	return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

const targets = DRIVERS.filter(({ driver }) => driver !== "namespace").map((target) => ({ ...target, skip: target.skip ?? ABSENT }));

describe.each(targets)(`pulling with $driver${ABSENT ? ` (skipped: ${ABSENT})` : ""}`, ({ driver: name, skip, computerName }) => {
	let directory: string;
	let driver: Driver;
	let open: { address: string; process: ChildProcess };
	let locked: { address: string; process: ChildProcess };

	beforeAll(async () => {
		if (skip) return;
		directory = mkdtempSync(join(tmpdir(), "lms-registry-"));
		[open, locked] = await Promise.all([startRegistry(directory, false), startRegistry(directory, true)]);
		await push(open.address, "tiny", process.arch === "arm64" ? "arm64" : "amd64");
		await push(open.address, "foreign", "riscv64");
		// Docker allows plain HTTP on loopback; Podman where its configuration says so, which is the user's.
		const registries = join(directory, "registries.conf");
		writeFileSync(registries, [open, locked].map(({ address }) => `[[registry]]\nlocation = "${address}"\ninsecure = true\n`).join(""));
		const env = { ...process.env, CONTAINERS_REGISTRIES_CONF: registries };
		driver = name === "docker" ? createDockerDriver() : createPodmanDriver({ env });
	});

	afterAll(async () => {
		if (skip) return;
		const found = await driver.probe();
		if (found.usable) {
			const docker = new Docker({ socketPath: found.endpoint });
			const images = await docker.listImages();
			const prepared = images.filter(({ RepoTags }) => RepoTags?.some((tag) => tag.startsWith(open.address)));
			for (const { Id } of images.filter(({ Labels }) => prepared.some((base) => base.Id === Labels?.["lms-computer.base"]))) {
				await docker.getImage(Id).remove({ force: true });
			}
			for (const { Id } of prepared) await docker.getImage(Id).remove({ force: true });
		}
		await driver.close();
		open.process.kill();
		locked.process.kill();
		rmSync(directory, { recursive: true });
	});

	const spec = (image: string): MachineSpec => ({
		...machineSpec({ preset: "none" }),
		name: computerName("engine-pull"),
		image,
		hostname: "box",
		cpus: 0,
		memoryBytes: 0,
		pids: 0,
		network: "none",
		env: {},
	});

	test.skipIf(skip)("an image that is not here is pulled with progress, and never again", async () => {
		const asked = spec(`${open.address}/tiny:1`);
		const steps: Progress[] = [];
		const machine = await driver.create(asked, { onProgress: (step) => steps.push(step) });
		await machine.remove();
		expect(steps[0]).toEqual({ phase: "pull", message: `pulling ${asked.image}`, fraction: 0 });
		expect([...new Set(steps.map(({ phase }) => phase))]).toEqual(["pull", "prepare", "create", "start"]);
		const again: Progress[] = [];
		await (await driver.create(asked, { onProgress: (step) => again.push(step) })).remove();
		expect(again.map(({ phase }) => phase)).toEqual(["create", "start"]);
	});

	test.skipIf(skip)("an image for another architecture is refused before anything is made", async () => {
		await expect(driver.create(spec(`${open.address}/foreign:1`))).rejects.toMatchObject({
			code: expect.stringMatching(/^(not_supported|image_not_found)$/),
			message: expect.stringMatching(/riscv64|architecture|platform/),
		});
	});

	test.skipIf(skip)("what is missing, locked or out of reach has its own hint", async () => {
		const hints = [
			[`${open.address}/none:1`, "Check the name and the tag."],
			[`${open.address}/tiny:none`, "Check the name and the tag."],
			[`${locked.address}/tiny:1`, "log in"],
			[`127.0.0.1:${await freePort()}/tiny:1`, "could not be reached"],
		] as const;
		for (const [image, hint] of hints) {
			await expect(driver.create(spec(image)), image).rejects.toMatchObject({
				code: "image_not_found",
				hint: expect.stringContaining(hint),
			});
		}
	});
});
