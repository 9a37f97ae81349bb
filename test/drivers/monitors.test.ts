import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { endOrphanedMonitors } from "../../packages/computer/src/drivers/podman/monitors.js";

/** What conmon says of itself, and nothing else of it. */
function monitor(id: string, storage: string) {
	const argv = ["-c", id, "-b", join(storage, id, "userdata"), "-n", "lms-computer-monitored"];
	const child = spawn(process.execPath, ["-e", "console.log(); setInterval(() => {}, 1000)", "--", ...argv], { argv0: "conmon" });
	onTestFinished(() => void child.kill("SIGKILL"));
	return { child, up: once(child.stdout, "data"), ended: once(child, "exit") };
}

test.skipIf(process.platform !== "linux")(
	"monitors of containers that are there live on, whichever engine has them; of those that are gone they end",
	async () => {
		const storage = mkdtempSync(join(tmpdir(), "lms-monitors-"));
		onTestFinished(() => rmSync(storage, { recursive: true }));
		mkdirSync(join(storage, "there", "userdata"), { recursive: true });
		const [there, gone] = [monitor("there", storage), monitor("gone", storage)];
		await Promise.all([there.up, gone.up]);
		await endOrphanedMonitors();
		expect(await gone.ended).toEqual([null, "SIGKILL"]);
		expect([there.child.exitCode, there.child.signalCode]).toEqual([null, null]);
	},
);
