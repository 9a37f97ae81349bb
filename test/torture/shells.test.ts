import { describe, expect, test } from "vitest";
import { suite } from "../support/suite.js";

interface Case {
	readonly name: string;
	readonly command: string;
	readonly expected?: object;
	/** Where the session is afterwards; /etc unless said. */
	readonly cwd?: string;
	readonly only?: "bash";
}

const variables = Array.from({ length: 10_000 }, (_, i) => `export V${i}=${i}`).join("\n");

/** Beside the forty: what a command does to its shell. Whatever it was, the session works on. */
const CASES: readonly Case[] = [
	{ name: "exit", command: "exit", expected: { exitCode: 0, shell: "exited" } },
	{ name: "exit in a trap", command: "trap 'exit 4' EXIT; exit 3", expected: { exitCode: 4, shell: "exited" } },
	{ name: "set -e", command: "set -e; false; echo never", expected: { exitCode: 1, stdout: "", shell: "exited" } },
	{ name: "set -e, and a success", command: "set -e; true; echo ok", expected: { exitCode: 0, stdout: "ok\n" } },
	{ name: "exec >file", command: "exec >/tmp/taken; echo into the file", expected: { stdout: "", shell: "kept" } },
	{ name: "exec 2>&-", command: "exec 2>&- >&- <&-; :", expected: { shell: "kept" } },
	{
		name: "exec of a program",
		command: "exec sh -c 'echo replaced; exit 6'",
		expected: { stdout: "replaced\n", exitCode: 6, shell: "exited" },
	},
	{ name: "exec of nothing that is there", command: "exec /no/such/program", expected: { stdout: "" } },
	{
		name: "closing many descriptors",
		command: 'for n in 3 4 5 6 7 8 9; do eval "exec $n>&-"; done; echo closed',
		expected: { stdout: "closed\n" },
	},
	{ name: "trap '' INT", command: "trap '' INT TERM; echo trapped", expected: { stdout: "trapped\n" } },
	{ name: "a heredoc", command: "cat <<X\n$((1+1))\nX\ncat <<'X'\n$((1+1))\nX", expected: { stdout: "2\n$((1+1))\n", exitCode: 0 } },
	{ name: "a heredoc that is not terminated", command: "cat <<X\nline", expected: { stdout: "line\n" } },
	{ name: "an open quote", command: "echo 'open", expected: { stdout: "" } },
	{ name: "an open brace", command: "{ echo a; ", expected: { stdout: "" } },
	{ name: "a stray fi", command: "fi", expected: { stdout: "" } },
	{ name: "a backslash at the end", command: "echo a \\", expected: { stdout: "a\n" } },
	{ name: "a comment at the end", command: "echo a # ' \" $(", expected: { stdout: "a\n", exitCode: 0 } },
	{ name: "CR LF", command: "echo a\r\necho b", expected: { stdout: "a\r\nb\n" } },
	{ name: "process substitution", command: "cat <(echo one) <(echo two)", expected: { stdout: "one\ntwo\n" }, only: "bash" },
	{ name: "a pager", command: "export PAGER=less; seq 1000 | ${PAGER} 2>/dev/null || seq 1000 | more", expected: { timedOut: false } },
	{ name: "stty", command: "stty -echo; stty size; stty sane", expected: { timedOut: false } },
	{ name: "read", command: 'read a b; echo "[$a]"', expected: { stdout: "[]\n" } },
	{ name: "an alias", command: "alias ls='echo aliased' cd='echo cd' echo='echo e' printf=false command=false .=false eval=false" },
	{ name: "10,000 variables", command: `${variables}\necho $V9999`, expected: { stdout: "9999\n" } },
	{
		name: "cd into a directory that is then deleted",
		command: "mkdir /tmp/doomed && cd /tmp/doomed && rmdir /tmp/doomed; echo on",
		expected: { stdout: "on\n" },
		cwd: "",
	},
	{ name: "PROMPT_COMMAND", command: "PROMPT_COMMAND='echo prompted; false' PS1='$(echo one)' PS2=two PS4=four; export PROMPT_COMMAND" },
	{ name: "set -u", command: 'set -u; echo "$unset_name"; echo never', expected: { stdout: "" } },
	{ name: "set -u, and no unset name", command: "set -u; echo ok", expected: { stdout: "ok\n" } },
	{
		name: "an error that ends a subshell",
		command: "(: ${unset_name:?is missing}; echo never); (readonly a; a=2; echo never) | cat; echo after",
		expected: { stdout: "after\n", exitCode: 0, shell: "kept" },
	},
	{ name: "set -x", command: "set -x; echo traced", expected: { stdout: "traced\n", stderr: expect.stringContaining("echo traced") } },
	{ name: "set -v", command: "set -v; echo verbose", expected: { stdout: "verbose\n" } },
	{ name: "set -f and -C", command: "set -fC; echo *", expected: { stdout: "*\n" } },
	{ name: "set -m", command: "set -m; sleep 0 & wait; echo on", expected: { stdout: "on\n" } },
	{ name: "set +i and -a", command: "set -a; A=1; set +o monitor; echo on", expected: { stdout: "on\n" } },
	{ name: "IFS", command: "IFS=/0123456789abcdef", expected: { exitCode: 0 } },
	{ name: "PATH=", command: "PATH=; no-such-program", expected: { exitCode: 127 } },
	{ name: "PWD and OLDPWD", command: "PWD=/forged OLDPWD=/forged; unset PWD", cwd: "/etc" },
	{ name: "readonly", command: "readonly A=1 OLDPWD; A=2; echo never", expected: { stdout: expect.not.stringContaining("2") } },
	{
		name: "shopt -s extglob",
		command: "shopt -s extglob nullglob dotglob\necho /etc/pass@(wd)",
		expected: { stdout: "/etc/passwd\n" },
		only: "bash",
	},
	{ name: "set -o posix", command: "set -o posix; echo on", expected: { stdout: "on\n" }, only: "bash" },
	{
		name: "traps on DEBUG, RETURN and ERR",
		command: "set -T; trap 'echo debug' DEBUG; trap 'echo return' RETURN; trap 'echo err' ERR; false",
		only: "bash",
	},
	{
		name: "functions named like builtins",
		command: "printf() { :; }; cd() { :; }; pwd() { :; }; test() { :; }; command() { :; }; echo on",
		expected: { stdout: "on\n" },
	},
	{
		name: "functions named like special builtins",
		command: "eval() { :; }; export() { :; }; exec() { :; }; trap() { :; }; set() { :; }; unset() { :; }; function . { :; }; echo on",
		expected: { stdout: "on\n" },
		only: "bash",
	},
	{ name: "return", command: "return 7; echo never", expected: { exitCode: 7, stdout: "" } },
	{ name: "break and continue", command: "break; continue; echo on", expected: { stdout: "on\n" } },
	{ name: "shift too far", command: "shift 5; echo on" },
	{ name: "set --", command: "set -- a b c; echo $#", expected: { stdout: "3\n" } },
	{ name: "endless recursion", command: "(ulimit -s 256; f() { f; }; f)", expected: { timedOut: false } },
	{ name: "kill the shell", command: "kill -9 $$", expected: { exitCode: 137, shell: "killed" } },
	{ name: "TERM to the shell", command: "kill $$; echo on" },
	{ name: "ulimit", command: "ulimit -n 20; ulimit -f 1000; echo on", expected: { stdout: "on\n" } },
	{ name: "umask 777", command: "umask 777; echo on", expected: { stdout: "on\n" } },
	{
		name: "chroot-like: HOME and TMPDIR",
		command: "export HOME=/nowhere TMPDIR=/nowhere SHELL=/bin/false ENV=/nowhere BASH_ENV=/nowhere; echo on",
		expected: { stdout: "on\n" },
	},
];

suite("torture-shells", (subject) => {
	describe("beside these: the session works on", () => {
		const cases = CASES.filter(({ only }) => only === undefined || only === subject.target.shell);
		test.each(cases.map((one, index) => [one.name, one, `case-${index}`] as const))("%s", async (_, one, session) => {
			const { computer } = subject;
			await computer.exec("cd /etc", { session });
			const result = await computer.exec(one.command, { session, timeoutMs: 15_000 });
			expect(result).toMatchObject({ timedOut: false, running: false, session, ...one.expected });
			const [pwd, on, ...rest] = await Promise.all([
				computer.exec("\\command pwd", { session, timeoutMs: 10_000 }),
				computer.exec("\\command printf 'still %s' on; \\command printf err >&2", { session, timeoutMs: 10_000 }),
			]);
			expect(rest).toEqual([]);
			if (one.cwd !== "") expect(pwd).toMatchObject({ timedOut: false, cwd: one.cwd ?? "/etc" });
			expect(on.timedOut).toBe(false);
			// A trap on DEBUG, aliases and traces of the command's own may speak too.
			expect(on.stdout).toContain("still on");
			expect(on.stderr).toContain("err");
			await computer.sessions.remove(session);
		});
	});
});
