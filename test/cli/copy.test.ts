import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../packages/computer/src/cli/commands.js";
import { DRIVERS } from "../support/drivers.js";
import { at, cli, PATIENCE_MS, start } from "./command.js";

const directory = mkdtempSync(join(tmpdir(), "lms-cli-cp-"));
afterAll(() => rmSync(directory, { recursive: true }));

for (const target of DRIVERS) {
	describe.skipIf(target.skip !== undefined)(target.title, { timeout: PATIENCE_MS }, () => {
		const run = (command: string, ...words: string[]) => cli([command, ...at(target, "copy"), ...words]);

		test("up makes it; cp takes files and folders in and out as cp does", async () => {
			const made = await cli(
				["up", ...at(target, "copy"), ...(target.options.preset === undefined ? [] : ["--preset", "none"]), "--json"],
				{
					env: target.options.image === undefined ? {} : { LMS_COMPUTER_IMAGE: target.options.image },
				},
			);
			await target.open("copy"); // for its removal
			expect(JSON.parse(made.stdout)).toMatchObject({ name: target.computerName("copy"), driver: target.driver, state: "running" });

			const tree = join(directory, `tree-${target.driver}`);
			mkdirSync(join(tree, "sub"), { recursive: true });
			writeFileSync(join(tree, "sub", "a b"), "one\0\xff", "latin1");
			writeFileSync(join(tree, "top"), "two");
			expect(await run("cp", join(tree, "top"), ":")).toMatchObject({ status: 0, stdout: "~/top  1 entry, 3 B\n" });
			expect(await run("cp", join(tree, "top"), ":renamed")).toMatchObject({ status: 0 });
			expect(await run("cp", tree, ":/tmp/")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\/tmp\/tree-/) });
			expect(await run("cp", `${tree}/.`, ":/tmp/flat")).toMatchObject({ status: 0 });
			const seen = await run("exec", `cat ~/top ~/renamed /tmp/flat/top '/tmp/tree-${target.driver}/sub/a b'`);
			expect(seen.bytes).toEqual(Buffer.from("twotwotwoone\0\xff", "latin1"));

			const back = join(directory, `back-${target.driver}`);
			mkdirSync(back);
			expect(await cli(["cp", "--driver", target.driver, `${target.computerName("copy")}:/tmp/flat`, back])).toMatchObject({ status: 0 });
			expect(readFileSync(join(back, "flat", "sub", "a b"), "latin1")).toBe("one\0\xff");
			for (const home of [":", ":~/"]) {
				const into = mkdtempSync(join(directory, "home-"));
				expect(await run("cp", home, into)).toMatchObject({ status: 0 });
				expect(readdirSync(into)).toEqual(["user"]);
			}
			const out = await run("cp", ":/tmp/flat/top", join(back, "x"), "--json");
			expect(JSON.parse(out.stdout)).toMatchObject({ to: join(back, "x"), entries: 1, bytes: 3, skipped: [] });

			expect(await run("cp", join(directory, "none"), ":")).toMatchObject({ status: 1, stderr: expect.stringContaining("none") });
			expect(await run("cp", "a", "b")).toMatchObject({ status: 2, stderr: expect.stringContaining(":PATH") });
		});

		test("log shows what was run, by whomever; --follow goes on with what comes", async () => {
			await target.open("copy");
			await run("exec", "--session", "x", "echo a; exit 9");
			const { stdout } = await run("log", "--lines", "5");
			expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\d+ {2}exit 9 {2}0 s {2}2 B {2}echo a; exit 9$/m);
			const records = JSON.parse((await run("log", "--json")).stdout) as { type: string }[];
			expect(records.some(({ type }) => type === "created")).toBe(true);
			const following = start(["log", ...at(target, "copy"), "--follow", "--lines", "1"]);
			// What begins after its first line may be a moment before it listens.
			await following.says("\n");
			for (let i = 0; i < 20 && !following.stdout.includes("echo later"); i++) await run("exec", "echo later");
			await following.says("begins  echo later");
			following.process.kill("SIGINT");
			expect(await following.ended).toMatchObject({ status: 130 });
			const programs = start(["log", ...at(target, "copy"), "--follow", "--json", "--lines", "2"]);
			await programs.says("\n");
			programs.process.kill("SIGINT");
			const { status, stdout: objects } = await programs.ended;
			expect({
				status,
				types: objects
					.trimEnd()
					.split("\n")
					.map((one) => typeof JSON.parse(one).type),
			}).toEqual({
				status: 130,
				types: expect.arrayContaining(["string", "string"]),
			});
		});
	});
}

test.skipIf(process.platform === "win32")("one letter may be a computer", async () => {
	const { status, stderr } = await cli(["cp", "--driver", "namespace", "q:/tmp/x", directory]);
	expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('no computer "q"') });
});

test("completion knows every command and flag, in three shells", async () => {
	for (const shell of ["bash", "zsh", "fish"]) {
		const { status, stdout } = await cli(["completion", shell]);
		expect(status).toBe(0);
		for (const { name } of COMMANDS) expect(stdout).toContain(name);
	}
	const script = (await cli(["completion", "bash"])).stdout;
	const complete = (...words: string[]) =>
		execFileSync(
			"bash",
			[
				"-c",
				`${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}) COMP_CWORD=${words.length - 1}; _lms_computer; echo "\${COMPREPLY[*]}"`,
			],
			{
				encoding: "utf8",
			},
		).trim();
	expect(complete("lms-computer", "che")).toBe("checkpoint checkpoints");
	expect(complete("lms-computer", "exec", "--mem")).toBe("--memory");
	expect(complete("lms-computer", "up", "--driver", "pod")).toBe("podman");
	expect(await cli(["completion", "csh"])).toMatchObject({ status: 2, stderr: expect.stringContaining("bash, zsh, fish") });
});

test("config shows what holds, and where it comes from", async () => {
	const file = join(directory, "config.json");
	writeFileSync(file, JSON.stringify({ cpus: 1, computers: { work: { image: "mine" } } }));
	const env = { LMS_COMPUTER_CONFIG: file, LMS_COMPUTER_MEMORY: "2g" };
	const { settings } = JSON.parse((await cli(["config", "work", "--json"], { env })).stdout) as { settings: { setting: string }[] };
	const of = (setting: string) => settings.find((one) => one.setting === setting);
	expect(of("cpus")).toMatchObject({ value: 1, source: `${file}: cpus` });
	expect(of("image")).toMatchObject({ value: "mine", source: `${file}: computers.work.image` });
	expect(of("memoryBytes")).toMatchObject({ value: 2 * 1024 ** 3, source: "LMS_COMPUTER_MEMORY" });
	expect(of("pids")).toMatchObject({ value: 512, source: "default" });
	writeFileSync(file, '{"cpu":1}');
	expect(await cli(["config"], { env })).toMatchObject({ status: 2, stderr: expect.stringContaining('got "cpu"') });
});
