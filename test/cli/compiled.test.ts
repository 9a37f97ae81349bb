import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { cli } from "./command.js";

const state = await mkdtemp(join(tmpdir(), "lms-compiled-"));
afterAll(() => rm(state, { recursive: true }));

const help = () => cli(["exec", "--help"], { env: { LMS_COMPUTER_STATE_DIR: state } });

test("what was compiled is kept for the user alone, and is run only when it is whole and nobody else's", async () => {
	const first = await help();
	expect(first).toMatchObject({ status: 0, stdout: expect.stringContaining("Usage: lms-computer exec"), stderr: "" });
	const directory = join(state, "compiled");
	const [name = "", ...more] = await readdir(directory);
	expect(more).toEqual([]);
	const kept = join(directory, name);
	const whole = await readFile(kept);
	expect((await stat(kept)).mode & 0o777).toBe(0o600);
	expect((await stat(directory)).mode & 0o777).toBe(0o700);

	expect(await help()).toEqual(first);
	expect((await readFile(kept)).equals(whole), "used, and not made anew").toBe(true);

	for (const damaged of [whole.subarray(0, whole.length / 2), Buffer.from(whole).fill(0, 1000, 2000), Buffer.alloc(0)]) {
		await writeFile(kept, damaged);
		expect(await help()).toEqual(first);
		expect((await readFile(kept)).length, "made anew").toBeGreaterThan(whole.length / 2);
		expect((await readFile(kept)).equals(damaged)).toBe(false);
	}

	const [old, recent] = [join(directory, "0123abcd"), join(directory, "4567cdef.01234567")];
	for (const path of [old, recent]) await writeFile(path, "of another version");
	await utimes(old, 0, 0);
	await chmod(kept, 0o666);
	expect(await help()).toEqual(first);
	expect((await stat(kept)).mode & 0o777, "made anew").toBe(0o600);
	expect((await readdir(directory)).map((file) => join(directory, file)).sort(), "what is long out of use goes").toEqual(
		[kept, recent].sort(),
	);
}, 60_000);

// Its state is all below a directory, which can be another one.
const target = DRIVERS.find(({ driver, skip }) => driver === "namespace" && skip === undefined);

test.skipIf(target === undefined)(
	"what a call that came to a computer compiled is what is kept, whatever was called first",
	async () => {
		const env = { LMS_COMPUTER_STATE_DIR: await mkdtemp(join(state, "use-")) };
		const run = async (...argv: string[]) => {
			expect(await cli(argv, { env })).toMatchObject({ status: 0 });
			const directory = join(env.LMS_COMPUTER_STATE_DIR, "compiled");
			return await readFile(join(directory, (await readdir(directory))[0] ?? ""));
		};
		const at = ["--driver", "namespace", "--name", target?.computerName("compiled") ?? ""];
		onTestFinished(async () => void (await cli(["rm", ...at.slice(0, 2), at.at(-1) ?? ""], { env })));
		const first = await run("--help");
		expect((await run("ls", "--driver", "namespace")).equals(first), "no computer was come to").toBe(true);
		const used = await run("exec", ...at, "true");
		expect(used.length).toBeGreaterThan(first.length);
		for (const argv of [["--help"], ["exec", ...at, "true"], ["status", ...at]]) {
			expect((await run(...argv)).equals(used), argv[0]).toBe(true);
		}
	},
	60_000,
);
