import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../packages/computer/src/cli/commands.js";
import { errorLines } from "../../packages/computer/src/cli/failure.js";
import { columns, duration, size } from "../../packages/computer/src/cli/output.js";
import { printable, printableJson } from "../../packages/computer/src/cli/printable.js";
import { fromRoot } from "../support/repository.js";
import { cli, MAIN } from "./command.js";

describe("wrong usage ends with 2, and says what is right", () => {
	test.each([
		[["exec"], /missing required argument 'command'/],
		[["exec", "--nope", "true"], /unknown option '--nope'/],
		[["exec", "--timeout", "soon", "true"], /Expected timeoutMs .* a time such as 90, 15m/],
		[["exec", "--timeout", "-1", "true"], /a plain number is seconds, got "-1"/],
		[["exec", "--timeout", "3601", "true"], /a whole number from 0 to 3600000/],
		[["exec", "--on-timeout", "wait", "true"], /kill, job/],
		[["exec", "--driver", "vmware", "true"], /docker, podman, namespace/],
		[["exec", "--name", "Not A Name", "true"], /Expected a name/],
		[["exec", "--session", "../x", "true"], /Expected a name/],
		[["exec", "--env", "A", "true"], /NAME=value/],
		[["exec", "--env", "1A=x", "true"], /NAME=value/],
		[["exec", "--memory", "lots", "true"], /number of bytes/],
		[["exec", "--max-output", "1", "true"], /a whole number from 2/],
		[["exec", "--publish", "80", "true"], /HOSTPORT:GUESTPORT/],
		[["exec", "--folder", "/srv:/etc", "true"], /beside the guest's system/],
		[["exec", "--preset", "pyhton", "true"], /none, minimal, python/],
		[["shell"], /expected a terminal/],
		[["rm"], /expected the name of a computer, or --all/],
		[["rm", "a", "--name", "b"], /got both/],
		[["rm", "Not A Name"], /Expected a name/],
		[["config", "Not A Name"], /Expected a name/],
		[["rm", "a", "--all"], /got both/],
		[["stop", "Not A Name"], /Expected a name/],
		[["exec", "--detach", "-i", "cat"], /expected --detach or --stdin, got both/],
		[["exec", "--detach", "--on-timeout", "job", "true"], /expected --detach or --on-timeout/],
		[["logs"], /missing required argument 'id'/],
		[["logs", "1", "2"], /too many arguments/],
		[["logs", "1", "--stream", "both"], /stdout, stderr/],
		[["logs", "1", "--max-output", "4k"], /--json/],
		[["wait", "1", "--timeout", "0"], /Expected a number/],
		[["kill", "1", "--signal", "nine lives"], /name of a signal/],
		[["env", "put", "A=1"], /expected set or unset, got "put"/],
		[["env", "set"], /NAME=value/],
		[["env", "set", "1A=2"], /NAME=value/],
		[["env", "unset", "A=1"], /expected a name/],
		[["restart", "a", "--name", "b"], /got both/],
		[["checkpoint", "a", "b"], /too many arguments/],
		[["fork", "now"], /missing required argument 'newname'/],
		[["port", "0"], /GUESTPORT/],
		[["port", "80:65536"], /GUESTPORT/],
		[["port", "http"], /GUESTPORT/],
		[["lss"], /unknown command 'lss'.*Did you mean ls/],
		[["help", "lss"], /unknown command 'lss'/],
		[["--frobnicate"], /unknown option/],
	])("%j", async (argv, message) => {
		const { status, stdout, stderr } = await cli(argv);
		expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
		expect(stderr).toMatch(/^error: .*\n(cause: .*\n)?(hint: {2}.*\n)?$/);
		expect(stderr).toMatch(message);
	});
});

test("with --json the error is the one object on standard output", async () => {
	const { status, stdout, stderr } = await cli(["exec", "--json", "--timeout", "x", "true"]);
	expect({ status, stderr }).toEqual({ status: 2, stderr: "" });
	expect(JSON.parse(stdout)).toEqual({
		error: {
			code: "invalid_argument",
			message: expect.any(String),
			hint: expect.stringContaining("--help"),
			context: {},
			retryable: false,
		},
	});
});

test("the version is the package's", async () => {
	const { version } = JSON.parse(readFileSync(fromRoot("packages/computer/package.json"), "utf8"));
	expect(await cli(["--version"])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: "" });
	expect(execFileSync(MAIN, ["--version"], { encoding: "utf8" })).toBe(`${version}\n`);
});

test("help has every command, and every command's has its examples", async () => {
	const help = await cli([]);
	expect(help).toMatchObject({ status: 0, stderr: "" });
	for (const { examples, name } of COMMANDS) {
		expect(help.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
		const own = await cli([name, "--help"]);
		expect(own).toMatchObject({ status: 0, stderr: "" });
		for (const [line] of examples) expect(own.stdout).toContain(line);
	}
});

test("a variable stands in for a flag, and an empty one is none", async () => {
	const wrong = await cli(["exec", "true"], { env: { LMS_COMPUTER_DRIVER: "vmware" } });
	expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining("LMS_COMPUTER_DRIVER") });
	const empty = await cli(["exec", "--timeout", "x", "true"], { env: { LMS_COMPUTER_DRIVER: "" } });
	expect(empty.stderr).toContain("--timeout");
});

test("what cannot be undone takes no name from the environment, and --all is of all", async () => {
	const env = { LMS_COMPUTER_NAME: "nobody-made-this" };
	expect(await cli(["rm"], { env })).toMatchObject({
		status: 2,
		stderr: expect.stringContaining("expected the name of a computer, or --all"),
	});
	expect(await cli(["stop"], { env })).toMatchObject({ status: 1, stderr: expect.stringContaining("nobody-made-this") });
	// One driver that has none: nothing of this machine is stopped.
	const nowhere = { ...env, LMS_COMPUTER_STATE_DIR: mkdtempSync(join(tmpdir(), "lms-nowhere-")) };
	try {
		expect((await cli(["stop", "--all", "--driver", "namespace"], { env: nowhere })).stderr).not.toContain("got both");
	} finally {
		rmSync(nowhere.LMS_COMPUTER_STATE_DIR, { recursive: true });
	}
});

test("paragraphs of the help are as wide as the terminal", async () => {
	const { stdout } = await cli(["shell", "--help"]);
	expect(stdout).toMatch(/^Begins in the directory .*\nthe terminal .* session$/m);
	expect((await cli(["network", "--help"])).stdout).toMatch(/^ {2}apt {10}the archives/m);
});

test("what this host refuses is no defect of ours; a file of ours that is missing is", () => {
	const refused = (code: string, syscall: string) => errorLines(Object.assign(new Error(`${code}: ${syscall}`), { code, syscall }), false);
	expect(refused("EROFS", "mkdir")).toBe("error: EROFS: mkdir");
	expect(refused("ENOENT", "uv_cwd")).toMatch(/the directory that this was started in is gone\n.*\nhint: {2}Change/);
	expect(refused("ENOENT", "open")).toContain("a defect");
});

test("output that cannot be written is an error, not a silence", async () => {
	const full = openSync("/dev/full", "w");
	const told = (...argv: string[]) => spawnSync(process.execPath, [MAIN, ...argv], { encoding: "utf8", stdio: ["ignore", full, "pipe"] });
	try {
		for (const argv of [["completion", "bash"], ["--help"], ["exec", "--help"]]) {
			const { status, stderr } = told(...argv);
			expect({ status, stderr }).toEqual({
				status: 141,
				stderr: expect.stringMatching(/^error: standard output could not be written: .*\n$/),
			});
		}
		expect(told("completion", "tcsh")).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error: .*tcsh.*\nhint: .*\n$/) });
		expect(told("--version")).toMatchObject({ status: 1, stderr: "" });
	} finally {
		closeSync(full);
	}
});

test("what a guest chose does nothing to a terminal", () => {
	expect(printable("a\x1b]52;c;eA==\x07b")).toBe("a\\u001b]52;c;eA==\\u0007b");
	expect(printable("a\u009b31mb\u202ec")).toBe("a\\u009b31mb\\u202ec");
	expect(printable("two\n  lines")).toBe("two lines");
	expect(printable("\ntwo \n\n \t\n  lines\n")).toBe(" two lines ");
	// A guest can make it as long as a variable or a message may be.
	const blanks = " ".repeat(1_000_000);
	expect(printable(blanks)).toBe(blanks);
	expect(printable("grün 日本 🙂")).toBe("grün 日本 🙂");
	const json = printableJson({ a: "\u009b\u007f\x1bé" });
	expect(json).toMatch(/^[\x20-\x7e\né]*$/);
	expect(JSON.parse(json)).toEqual({ a: "\u009b\u007f\x1bé" });
});

test("columns, times and sizes for people", () => {
	expect(
		columns([
			["a", "bbb", "c"],
			["dddd", "e", "f g"],
		]),
	).toBe("a     bbb  c\ndddd  e    f g");
	expect([0, 1_400, 119_000, 300_000, 10_000_000, 999_999_999].map(duration)).toEqual(["0 s", "1 s", "119 s", "5 min", "3 h", "12 d"]);
	expect([0, 9_999, 10_240, 1024 ** 3, 2 ** 60].map(size)).toEqual(["0 B", "9999 B", "10 KB", "1024 MB", "1048576 TB"]);
});

test("a user who is in no password database has a command line, as in a container that runs with some user's number", async () => {
	const directory = mkdtempSync(join(tmpdir(), "lms-nobody-"));
	try {
		const unknown = join(directory, "unknown.cjs");
		writeFileSync(unknown, 'require("node:os").userInfo = () => { throw new Error("uv_os_get_passwd returned ENOENT"); };\n');
		const env = { NODE_OPTIONS: `--require ${unknown}`, LMS_COMPUTER_STATE_DIR: directory, HOME: "" };
		expect(await cli(["--help"], { env })).toMatchObject({ status: 0, stderr: "" });
		const { stdout } = await cli(["config", "--json"], { env: { ...env, HOME: directory } });
		expect(stdout).toContain(join(directory, ".config"));
		const folder = await cli(["exec", "--folder", "~:/there", "true"], { env: { ...env, HOME: directory } });
		expect(folder.stderr).toContain("the whole home folder");
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
});
