/** Podman's service, killed with SIGKILL before and after each thing that it has its runtime do. What it meant to do is then half done, and it has no memory of it. */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Computer, findComputer, listComputers, openComputer } from "lms-computer";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Engine } from "../../packages/computer/src/drivers/engine/engine.js";
import { describeHost } from "../../packages/computer/src/drivers/engine/host.js";
import { locateEngine } from "../../packages/computer/src/drivers/engine/locate.js";
import { removeContainer } from "../../packages/computer/src/drivers/engine/remove-container.js";
import { renameContainer } from "../../packages/computer/src/drivers/engine/take-over.js";
import { dialect } from "../../packages/computer/src/drivers/podman/index.js";
import { prune } from "../../packages/computer/src/prune.js";
import { MATRIX } from "../support/drivers.js";
import { type OwnEngine, useOwnEngine } from "../support/own-engine.js";
import { randomFrom } from "../support/random.js";
import { output } from "../support/suite.js";

const run = promisify(execFile);
const MOMENTS = Number(process.env["LMS_TEST_MOMENTS"] ?? 3);
const SEED = Number(process.env["LMS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const DISK_MB = 600;

interface Operation {
	prepare?(computer: Computer): Promise<unknown>;
	run(computer: Computer): Promise<unknown>;
	/** What its service has the runtime do meanwhile. */
	readonly verbs: readonly string[];
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
	start: { prepare: (computer) => computer.stop(), run: (computer) => computer.exec("true"), verbs: ["create", "start"] },
	stop: { run: (computer) => computer.stop(), verbs: ["kill", "delete"] },
	restart: { run: (computer) => computer.restart(), verbs: ["kill", "delete", "create", "start"] },
	checkpoint: { run: (computer) => computer.checkpoint(), verbs: ["pause", "resume"] },
	rollback: {
		prepare: (computer) => computer.checkpoint(),
		run: async (computer) => await computer.rollback((await computer.checkpoints())[0]?.id ?? ""),
		verbs: ["kill", "delete", "create", "start"],
	},
	remove: { run: (computer) => computer.remove(), verbs: ["kill", "delete"] },
};

/** The first two are what was found once; the others are drawn. */
const FOUND = [
	["checkpoint", "before", "pause"],
	["start", "before", "start"],
] as const;
const all = Object.entries(OPERATIONS).flatMap(([name, { verbs }]) =>
	verbs.flatMap((verb) => (["before", "after"] as const).map((when) => [name, when, verb] as const)),
);
const random = randomFrom(SEED);
const drawn = all
	.map((moment) => [random(), moment] as const)
	.sort(([a], [b]) => a - b)
	.map(([, moment]) => moment);
const moments = [...FOUND, ...drawn.filter((moment) => !FOUND.some((found) => `${found}` === `${moment}`))].slice(0, MOMENTS);

const mounts = process.getuid?.() === 0;
// One shell is enough: this is about what is below the machine.
describe.for(MATRIX.filter(({ driver, shell }) => driver === "podman" && shell === "sh"))("$title", (target) => {
	describe.skipIf(target.skip !== undefined || !mounts)(
		`a service killed${mounts ? "" : " (skipped: only root can mount a disk for an engine of its own)"}`,
		() => {
			const directory = mkdtempSync(join(tmpdir(), "lms-moments-"));
			const [armed, service] = [join(directory, "armed"), join(directory, "service")];
			let engine: OwnEngine;
			beforeAll(async () => {
				const { stdout } = await run("podman", ["info", "--format", "{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}"]);
				const [name = "", path = ""] = stdout.trim().split(" ");
				const wrapper = join(directory, name);
				writeFileSync(wrapper, killer(path, armed, service));
				chmodSync(wrapper, 0o755);
				const given = process.env["CONTAINERS_CONF"] === undefined ? "" : readFileSync(process.env["CONTAINERS_CONF"], "utf8");
				const conf = join(directory, "containers.conf");
				writeFileSync(conf, `${given}\n[engine.runtimes]\n${name} = ["${wrapper}"]\n`);
				process.env["CONTAINERS_CONF"] = conf;
				engine = await useOwnEngine("podman", DISK_MB);
			}, 90_000);
			afterAll(async () => {
				await engine?.remove();
				rmSync(directory, { recursive: true, force: true });
			});

			test("a container that its service was killed in the making of keeps no name for itself, and is found", async ({ skip }) => {
				const name = target.computerName("half");
				const database = join(engine.directory, "root/libpod/bolt_state.db");
				if (!existsSync(database)) skip("this Podman has another database, which this test can not put back");
				// It is in the store first: of what came next the service knows nothing.
				const make = async () => {
					const before = readFileSync(database);
					await run("podman", ["create", "--name", `lms-computer-${name}`, target.options.image ?? "", "true"]);
					writeFileSync(database, before);
				};
				const unlisted = async () => (await run("podman", ["ps", "--all", "--external", "--format", "{{.Names}}"])).stdout.trim();
				await make();
				expect(await unlisted()).toBe(`lms-computer-${name}`);
				const computer = await openComputer({ ...target.options, name });
				expect(await output(computer, "echo on")).toBe("on");
				await computer.remove();
				expect(await unlisted()).toBe("");
				await make();
				vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
				const { found, failed } = await prune({ driver: "podman" }, () => true);
				vi.useRealTimers();
				expect(found.map(({ what }) => what)).toContain(`lms-computer-${name}`);
				expect(failed).toEqual([]);
				expect(await unlisted()).toBe("");
			});

			test("a network that its service was killed in the changing of is what is asked for next", { timeout: 60_000 }, async ({ skip }) => {
				const database = join(engine.directory, "root/libpod/bolt_state.db");
				if (!existsSync(database)) skip("this Podman has another database, which this test can not put back");
				if (target.capabilities.rootless) skip("this Podman can not change a network");
				for (const wanted of ["none", "open"] as const) {
					const computer = await openComputer({ ...target.options, name: target.computerName(`half-${wanted}`), network: "open" });
					await output(computer, "echo kept >/root/kept");
					await computer.setNetwork("none");
					const none = readFileSync(database);
					await computer.setNetwork("open");
					writeFileSync(database, none);
					await computer.setNetwork(wanted);
					const seen = (await output(computer, "cat /root/kept; ls /sys/class/net | grep ^eth || true")).split("\n");
					expect({ wanted, seen }).toEqual({ wanted, seen: wanted === "open" ? ["kept", "eth0"] : ["kept"] });
					await computer.remove();
				}
			});

			test("a first process that was about to start when its service and its monitor were killed ends with its container", async ({
				skip,
			}) => {
				const options = { ...target.options, name: target.computerName("unstarted") };
				const computer = await openComputer(options);
				await computer.stop();
				const { id } = await computer.inspect();
				const database = join(engine.directory, "root/libpod/bolt_state.db");
				if (!existsSync(database)) skip("this Podman has another database, which this test can not put back");
				const before = readFileSync(database);
				await run("podman", ["container", "init", id]);
				writeFileSync(database, before);
				const pids = async (pattern: string) =>
					await run("pgrep", ["-f", pattern]).then(
						({ stdout }) => stdout.trim().split("\n"),
						() => [],
					);
				for (const pid of await pids(`^[^ ]*conmon .*${id}`)) process.kill(Number(pid), "SIGKILL");
				const unstarted = async () => {
					const all = await pids("^[^ ]* init$");
					const groups = await Promise.all(all.map((pid) => readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "")));
					return all.filter((_, index) => groups[index]?.includes(id));
				};
				expect(await unstarted()).toHaveLength(1);
				await computer.remove();
				await vi.waitFor(async () => expect(await unstarted()).toEqual([]));
			});

			// The store removes both at once.
			test.for(["layer", "record", "layer and record"])(
				"a container of which the %s went, as its service was killed in its removal, keeps nobody from a list, and goes",
				async (gone) => {
					const options = { ...target.options, name: target.computerName(`no-${gone.replaceAll(" ", "-")}`) };
					const computer = await openComputer(options);
					await computer.stop();
					const { id } = await computer.inspect();
					// The next one reads what is left.
					process.kill(await engine.pid(), "SIGKILL");
					const store = (name: string) => join(engine.directory, "root", name);
					const of = (name: string) => JSON.parse(readFileSync(store(name), "utf8")) as { id: string; layer: string }[];
					const [records, layers] = ["overlay-containers/containers.json", "overlay-layers/layers.json"] as const;
					const layer = of(records).find((one) => one.id === id)?.layer;
					const without = (file: string, what: string | undefined) =>
						writeFileSync(store(file), JSON.stringify(of(file).filter((one) => one.id !== what)));
					if (gone.includes("layer")) without(layers, layer);
					if (gone.includes("record")) without(records, id);
					await vi.waitFor(async () => expect(await listComputers({ driver: "podman" })).toEqual([]), 10_000);
					// The handle is of before.
					expect(await output(computer, "echo on")).toBe("on");
					await computer.close();
					await expectGone(options.name);
				},
			);

			test("a name that a container gets while another one removes it is free afterwards", { timeout: 60_000 }, async () => {
				const located = await locateEngine(dialect, describeHost({}));
				if (!(located instanceof Engine)) throw new Error(located.reason);
				for (let round = 0; round < 8; round++) {
					const [from, to] = [target.computerName(`named-${round}`), `lms-computer-${target.computerName(`renamed-${round}`)}`];
					const computer = await openComputer({ ...target.options, name: from });
					const { id } = await computer.inspect();
					const removed = removeContainer(located, id, from);
					await sleep(round);
					await Promise.allSettled([removed, renameContainer(located, id, from, to)]);
					await run("podman", ["create", "--name", to, target.options.image ?? "", "true"]);
					await run("podman", ["rm", to]);
					await computer.remove();
				}
			});

			test.for(moments)(`in a %s, %s its runtime is to %s (seed ${SEED})`, { timeout: 90_000 }, async ([name, when, verb]) => {
				const operation = OPERATIONS[name] as Operation;
				const options = { ...target.options, name: target.computerName(`${name}-${when}-${verb}`) };
				const computer = await openComputer(options);
				await output(computer, "echo kept >/root/kept");
				await operation.prepare?.(computer);
				// It comes back for who asks it for something.
				await computer.inspect();
				writeFileSync(service, `${await engine.pid()}`);
				writeFileSync(armed, `${when} ${verb}`);
				// It is done by the service that comes next, or says how it failed.
				const outcome = await operation.run(computer).catch((error: unknown) => error);
				if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "ComputerError" });
				expect(existsSync(armed)).toBe(false);
				await computer.close();

				// Some are removed as they were left.
				if (random() < 0.3) return await expectGone(options.name);
				const next = await openComputer(options);
				// One that was to be removed may be gone, and another one made.
				if (name !== "remove" || (await next.files.exists("/root/kept"))) expect(await output(next, "cat /root/kept")).toBe("kept");
				await next.close();
				await expectGone(options.name);
			});
		},
	);
});

/** After its removal by whoever comes. */
async function expectGone(name: string): Promise<void> {
	await (await findComputer({ name, driver: "podman" }))?.remove();
	expect(await findComputer({ name, driver: "podman" })).toBeUndefined();
	const { stdout } = await run("podman", ["ps", "--all", "--external", "--format", "{{.Names}}"]);
	expect(stdout).toBe("");
}

/** The runtime, which kills the service once: as it is asked for what is in `armed`, or when it has done that. */
function killer(runtime: string, armed: string, service: string): string {
	return `#!/bin/sh
for word; do case $word in create|start|kill|delete|pause|resume) verb=$word; break;; esac; done
moment() {
	[ "$(cat ${armed} 2>/dev/null)" = "$1 $verb" ] || return
	# One of several that ask at once.
	mv ${armed} ${armed}.$$ 2>/dev/null || return
	kill -9 "$(cat ${service})"
}
moment before
${runtime} "$@"
status=$?
moment after
exit $status
`;
}
