import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Computer, type DriverName, findComputer, listComputers } from "lms-computer";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Connection } from "../../packages/computer/src/agent/connection.js";
import type { Leftover } from "../../packages/computer/src/driver.js";
import { ownerId } from "../../packages/computer/src/drivers/ownership.js";
import { leaseDriver } from "../../packages/computer/src/drivers/registry.js";
import { prune } from "../../packages/computer/src/prune.js";
import { cli } from "../cli/command.js";
import { DRIVERS, removeOpened, type Target } from "../support/drivers.js";
import { removeMachine } from "../support/outside.js";
import { expectError } from "../support/suite.js";

const run = promisify(execFile);

/** An owner of its own: what is left over of anybody else's on this host is not this suite's. */
const DIRECTORY = mkdtempSync(join(tmpdir(), "lms-"));
const BEFORE = process.env["LMS_COMPUTER_STATE_DIR"];

beforeAll(() => {
	process.env["LMS_COMPUTER_STATE_DIR"] = DIRECTORY;
});
afterEach(() => {
	vi.useRealTimers();
});
afterAll(async () => {
	await removeOpened();
	if (BEFORE === undefined) delete process.env["LMS_COMPUTER_STATE_DIR"];
	else process.env["LMS_COMPUTER_STATE_DIR"] = BEFORE;
	rmSync(DIRECTORY, { recursive: true, force: true });
});

/** What is in the making is no leftover: the clock goes on until it would be done. */
function anHourLater(): void {
	vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
}

async function found(driver: DriverName): Promise<readonly Leftover[]> {
	return (await prune({ driver }, () => false)).found;
}

/** As a process leaves it that is killed between the making and the start. */
async function halfMade({ driver, options }: Target, name: string, owner: string, more: readonly string[] = []): Promise<void> {
	const labels = ["lms-computer=1", `lms-computer.name=${name}`, `lms-computer.owner=${owner}`, ...more].flatMap((label) => [
		"--label",
		label,
	]);
	await run(driver, ["create", "--name", `lms-computer-${name}`, ...labels, options.image ?? "", "true"]);
}

/** With a name as a machine has it for the time of a comparison. It is held, so that an ephemeral one stays. */
async function forkAsCompared({ driver, name }: Computer, persistence: "ephemeral" | "persistent") {
	const lease = await leaseDriver(driver);
	const machine = await lease.driver.attach(name);
	const forked = await machine?.checkpoints?.fork(undefined, `diff-${randomBytes(6).toString("hex")}`, { changes: { persistence } });
	if (forked === undefined) throw new Error(`expected ${name} to be there and to have checkpoints`);
	const held = await Connection.open(await forked.connect());
	return {
		name: forked.name,
		async [Symbol.asyncDispose]() {
			held.close();
			await forked.remove();
			await lease.release();
		},
	};
}

describe.for(DRIVERS)("$title", (target) => {
	const { driver } = target;

	describe.skipIf(target.skip !== undefined)("ownership", () => {
		test("a computer that is used is no leftover, however old", async () => {
			const computer = await target.open("used");
			await computer.checkpoint("kept");
			await computer.stop();
			anHourLater();
			expect(await found(driver)).toEqual([]);
		});

		test("one that is called as those of comparisons are is none either, and a comparison leaves it alone", async () => {
			const computer = await target.open("compared");
			await using named = await forkAsCompared(computer, "persistent");
			const id = await computer.checkpoint("now");
			anHourLater();
			await computer.diff(id.id);
			expect(await found(driver)).toEqual([]);
			expect((await listComputers({ driver })).map(({ name }) => name)).toContain(named.name);
		});

		test("what a computer that was removed from outside has left is found and removed", async () => {
			const computer = await target.open("vanished");
			await computer.checkpoint("left");
			// The idle stop is kept as a limit is, and can be changed by every user.
			await computer.reconfigure({ idleStopMs: 600_000 });
			await computer.close();
			await removeMachine(computer);
			anHourLater();
			const left = (await found(driver)).map(({ kind }) => kind).sort();
			// A machine of namespaces takes all with it; that of an engine leaves an image, what was changed, where it was and its journal.
			expect(left).toEqual(driver === "namespace" ? [] : ["image", "record", "record", "record"]);
			await prune({ driver }, () => true);
			expect(await found(driver)).toEqual([]);
			expect((await listComputers({ driver })).map(({ name }) => name)).not.toContain(computer.name);
		});

		test("what a killed write has left beside a record goes, whoever has the name; a record of a computer that is there stays, whatever it is called", async () => {
			const computer = await target.open("written.json", { network: { allow: ["a.test"] } });
			const directory = join(DIRECTORY, "egress", driver);
			const cut = `${computer.name}.pem.123.0123abcd`;
			writeFileSync(join(directory, cut), "half a key");
			anHourLater();
			expect((await found(driver)).map(({ what, why }) => [what, why])).toEqual([[`egress/${driver}/${cut}`, "its writing was cut short"]]);
			await prune({ driver }, () => true);
			expect(readdirSync(directory)).toEqual([`${computer.name}.json`]);
			vi.useRealTimers();
			await computer.remove();
		});

		test("the number of computers is bounded, and the error says what to do", async () => {
			const one = await target.open("one");
			const count = (await listComputers({ driver })).length;
			const refused = target.open("two", { maxComputers: count });
			await expectError(refused, "limit_reached");
			await expect(refused).rejects.toMatchObject({ hint: expect.stringMatching(/prune.*maxComputers/) });
			expect(await findComputer({ name: target.computerName("two"), driver })).toBeUndefined();
			// One that is there counts already.
			await (await target.open("one", { maxComputers: count })).close();
			await one.remove();
		});

		test("list tells whose they are, and how much they have written", async () => {
			const computer = await target.open("listed");
			await computer.exec("head -c 3000000 /dev/urandom >~/file; sync ~/file 2>/dev/null; true");
			const listed = (await listComputers({ driver, sizes: true })).find(({ name }) => name === computer.name);
			expect(listed).toMatchObject({ own: true, state: "running" });
			expect(listed?.sizeBytes).toBeGreaterThan(2_900_000);
		});
	});

	const engine = driver === "namespace" ? undefined : describe.skipIf(target.skip !== undefined);
	engine?.("ownership on an engine", () => {
		test("34. what was killed before its start is found by its labels; what is another's is neither listed nor removed", async () => {
			const [mine, dead, theirs] = ["half", "dead", "theirs"].map((name) => target.computerName(name)) as [string, string, string];
			await halfMade(target, mine, await ownerId());
			await halfMade(target, dead, await ownerId(), ["lms-computer.persistence=ephemeral"]);
			await halfMade(target, theirs, "0123456789abcdef");
			try {
				expect(await found(driver)).toEqual([]);
				const own = (await listComputers({ driver })).map(({ name }) => name);
				expect(own).toEqual(expect.arrayContaining([mine, dead]));
				expect(own).not.toContain(theirs);
				expect((await listComputers({ driver, all: true })).find(({ name }) => name === theirs)).toMatchObject({ own: false });
				// By its name it is found all the same.
				const other = await findComputer({ name: theirs, driver });
				expect((await other?.inspect())?.own).toBe(false);
				await other?.close();
				anHourLater();
				expect((await found(driver)).map(({ what, why }) => [what, why]).sort()).toEqual([
					[`lms-computer-${dead}`, "it was ephemeral and has ended"],
					[`lms-computer-${mine}`, "its making was cut short: it never ran"],
				]);
				expect((await prune({ driver }, () => true)).removed.length).toBe(2);
				const names = (await listComputers({ driver, all: true })).map(({ name }) => name);
				expect(names).toContain(theirs);
			} finally {
				vi.useRealTimers();
				for (const name of [mine, dead, theirs]) await run(driver, ["rm", "--force", `lms-computer-${name}`]).catch(() => {});
			}
		});
	});

	engine?.("images", () => {
		test("one that has no name, since its engine was killed in the middle of a commit, is found and removed", async () => {
			const computer = await target.open("nameless");
			const labels = ["LABEL lms-computer.checkpoint=1", "LABEL lms-computer.prepared=0"].flatMap((label) => ["--change", label]);
			const format = driver === "podman" ? ["--format", "docker"] : [];
			const { stdout } = await run(driver, ["commit", ...format, ...labels, `lms-computer-${computer.name}`]);
			const id = stdout.trim().replace(/^sha256:/, "");
			expect(await found(driver)).toEqual([]);
			anHourLater();
			expect(await found(driver)).toEqual([expect.objectContaining({ kind: "image", what: id.slice(0, 12) })]);
			await prune({ driver }, () => true);
			expect((await run(driver, ["images", "--all", "--quiet", "--no-trunc"])).stdout).not.toContain(id);
			expect(await found(driver)).toEqual([]);
		});
	});

	engine?.("machines that go", () => {
		test("take what only they are made from with them, in one pruning", async () => {
			const computer = await target.open("compared");
			await using compared = await forkAsCompared(computer, "ephemeral");
			anHourLater();
			const kinds = (await found(driver)).map(({ kind }) => kind).filter((kind) => kind !== "record");
			expect(kinds.sort()).toEqual(["image", "machine"]);
			expect((await prune({ driver }, () => true)).failed).toEqual([]);
			expect((await run(driver, ["images", "--all", "--format", "{{.Repository}}:{{.Tag}}"])).stdout).not.toContain(compared.name);
			await prune({ driver }, () => true);
			expect(await found(driver)).toEqual([]);
		});
	});

	const directory = driver === "namespace" ? describe.skipIf(target.skip !== undefined) : undefined;
	directory?.("ownership in the state directory", () => {
		test("34. what was killed in its making or its removal is found and removed", async () => {
			const root = join(DIRECTORY, "namespace");
			const name = target.computerName("cut");
			mkdirSync(join(root, `.new-${name}-1-x`), { recursive: true });
			mkdirSync(join(root, name, "rootfs"), { recursive: true });
			expect(await found(driver)).toEqual([]);
			anHourLater();
			expect((await found(driver)).map(({ kind, why }) => [kind, why]).sort()).toEqual([
				["directory", "the making of a machine was cut short"],
				["machine", "its removal was cut short"],
			]);
			await prune({ driver }, () => true);
			vi.useRealTimers();
			expect(readdirSync(root).filter((entry) => entry.includes(name))).toEqual([]);
		});
	});
});

test("the command line shows, asks, and does nothing unasked", async () => {
	const env = { LMS_COMPUTER_STATE_DIR: DIRECTORY };
	const shown = await cli(["prune", "--dry-run", "--json"], { env });
	expect(shown).toMatchObject({ status: 0, stderr: "" });
	expect(JSON.parse(shown.stdout)).toEqual({ found: [], removed: [], failed: [] });
	expect(await cli(["prune"], { env })).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--yes or --dry-run") });
	expect(await cli(["prune", "--yes"], { env })).toMatchObject({ status: 0, stderr: expect.stringContaining("nothing to remove") });
});
