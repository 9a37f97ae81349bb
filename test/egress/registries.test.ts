import { execFileSync } from "node:child_process";
import net from "node:net";
import type { Computer } from "lms-computer";
import { beforeAll, describe, expect, test } from "vitest";
import { carryNpm, carryPip } from "../support/carried.js";
import { DRIVERS } from "../support/drivers.js";
import { output } from "../support/suite.js";

/** Real registries, those that this machine's package managers are configured for. What is not reached from here is skipped, and why is said. */
const ANSWER_MS = 60_000;
/** A container is given its Node or Python first, 100 MB of it: each engine gets one of them, unless LMS_TEST_REGISTRIES says `all`. */
const elsewhere = (driver: string, other: string) => process.env["LMS_TEST_REGISTRIES"] !== "all" && driver === other;

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("through an allow-list", () => {
		let computer: Computer;
		beforeAll(async () => {
			computer = await target.open("registries", { network: { allow: [] } });
		});
		const sh = async (command: string) => {
			const { exitCode, stdout, stderr } = await computer.exec(command, { session: "aside", timeoutMs: ANSWER_MS });
			if (exitCode !== 0) throw new Error(`${command}: exit code ${exitCode}: ${stdout}${stderr}`);
			return stdout.trimEnd();
		};
		/** Opens the hosts of one package manager alone. The reason to skip, or undefined. */
		const only = async (preset: string): Promise<string | undefined> => {
			const { allow } = await computer.setNetwork({ allow: [preset] }).catch(() => ({ allow: [] }));
			const [rule] = allow[0]?.rules ?? [];
			if (rule === undefined) return `nothing here is configured for ${preset}`;
			return (await reachable(rule)) ? undefined : `what ${preset} is configured for is not reached from this machine`;
		};

		test("apt-get updates and downloads", async (context) => {
			const sources = await output(
				computer,
				`perl -00 -ne 'if (/^Suites:.*?([^ \\n]+-updates)/m) { my $s = $1; s/^Suites:.*/Suites: $s/m; s/^#.*\\n//mg; print "$_\\n" }' ` +
					"/etc/apt/sources.list.d/*.sources 2>/dev/null | tee /tmp/one.sources",
			).catch(() => "");
			const reason = sources === "" ? "the guest has no small part of an archive configured" : await only("apt");
			if (reason !== undefined) return context.skip(reason);
			// A small part, so that it is quick; the host and the keys are the real ones.
			const apt = "-q -o Dir::Etc::sourcelist=/tmp/one.sources -o Dir::Etc::sourceparts=- -o Acquire::Retries=0";
			expect(await sh(`apt-get ${apt} update 2>&1`)).not.toMatch(/^(W|E|Err):/m);
			const name = await sh(`apt-cache ${apt} dumpavail | sed -n 's/^Package: //p' | head -1`);
			expect(await sh(`cd /tmp && apt-get ${apt} download ${name} 2>&1 && ls ${name}*.deb`)).toContain(".deb");
		});

		test.skipIf(elsewhere(target.driver, "docker"))("npm installs", { timeout: 90_000 }, async (context) => {
			const reason = (await carryNpm(computer)) ?? (await only("npm"));
			if (reason !== undefined) return context.skip(reason);
			const registry = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", cwd: "/" }).trim();
			await sh(
				`rm -rf /tmp/n && mkdir /tmp/n && cd /tmp/n && echo '{}' >package.json && npm install --registry '${registry}' --fetch-retries 0 wrappy@1 2>&1`,
			);
			expect(await sh("cat /tmp/n/node_modules/wrappy/package.json")).toContain('"name": "wrappy"');
		});

		test.skipIf(elsewhere(target.driver, "podman"))("pip installs", { timeout: 90_000 }, async (context) => {
			const reason = (await carryPip(computer)) ?? (await only("pip"));
			if (reason !== undefined) return context.skip(reason);
			await sh("rm -rf /tmp/p && python3 -m pip install -q --retries 0 --no-cache-dir --target /tmp/p six 2>&1");
			expect(await sh("ls /tmp/p")).toContain("six.py");
		});

		test("and nothing else", async () => {
			await computer.setNetwork({ allow: ["apt"] }).catch(() => computer.setNetwork({ allow: ["only.example"] }));
			const { stdout } = await computer.exec(
				"/usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file http://example.org/ /tmp/x 2>&1",
				{ session: "aside" },
			);
			expect(stdout).toContain("lms-computer network allow example.org:80");
		});
	});
});

/** By a direct connection from here: whether the test can tell anything. */
function reachable(rule: string): Promise<boolean> {
	const { hostname, port } = new URL(`tcp://${rule}`);
	return new Promise((resolve) => {
		const socket = net.connect({ host: hostname, port: Number(port), timeout: 5000 });
		const end = (result: boolean) => {
			socket.destroy();
			resolve(result);
		};
		socket.once("connect", () => end(true));
		socket.once("error", () => end(false));
		socket.once("timeout", () => end(false));
	});
}
