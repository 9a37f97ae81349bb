import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { endLost } from "../../packages/computer/src/drivers/docker/lost.js";

const parent = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find((path) => existsSync(`${path}/cgroup.procs`)) ?? "";
const why = parent === "" || process.getuid?.() !== 0 ? "only root can make a control group as Docker does" : undefined;

test.skipIf(why !== undefined)(
	`what runs on of a container that is gone ends${why === undefined ? "" : ` (skipped: ${why})`}`,
	async () => {
		const id = "ab".repeat(32);
		const group = `${parent}/docker/${id}`;
		mkdirSync(group, { recursive: true });
		// As the shim that watches over it, with the container's name among its words.
		const shim = spawn("sh", ["-c", `sleep 1000 & echo $!; wait; : ${id}`], { stdio: ["ignore", "pipe", "ignore"] });
		const ended = once(shim, "exit");
		const [line] = (await once(shim.stdout, "data")) as [Buffer];
		writeFileSync(`${group}/cgroup.procs`, `${line}`.trim());
		await endLost("cd".repeat(32));
		expect(shim.exitCode).toBeNull();
		await endLost(id);
		expect(await ended).toEqual([null, "SIGKILL"]);
		// Nobody may have asked yet how it ended.
		const words = () => readFile(`/proc/${`${line}`.trim()}/cmdline`, "utf8").catch(() => "");
		await expect.poll(words).toBe("");
		await expect.poll(() => rmdirSync(group)).toBeUndefined();
	},
);
