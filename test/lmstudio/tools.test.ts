import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { replay, transcripts } from "../support/replay.js";
import { output } from "../support/suite.js";
import { chat, installPlugin, node22, startPlugin } from "./plugin.js";

let scratch: string;
let folder: string;
let node: string;

beforeAll(async () => {
	scratch = await mkdtemp(join(tmpdir(), "lms-computer-tools-"));
	folder = join(scratch, "plugin");
	[node] = await Promise.all([node22(), installPlugin(folder)]);
}, 300_000);

afterAll(() => rm(scratch, { recursive: true, force: true }));

for (const target of DRIVERS.filter(({ driver }) => driver !== "podman")) {
	describe.skipIf(target.skip !== undefined)(target.title, () => {
		test("every tool, called by LM Studio", async () => {
			const computer = await target.open("tools");
			const workingDirectory = await mkdtemp(join(scratch, "chat-"));
			await writeFile(join(workingDirectory, "letter.txt"), "dear model\n");
			const { host, ended } = await startPlugin(folder, node);
			const session = await host.openSession({ ...chat(target, "tools", { profile: "full", callsPerTurn: 100 }), workingDirectory });
			const called = new Set<string>();
			const call = async (tool: string, args: Record<string, unknown>, answer: RegExp) => {
				called.add(tool);
				const text = await session.text(tool, args);
				expect(text, `${tool} ${JSON.stringify(args)}`).toMatch(answer);
				return answer.exec(text)?.[1] ?? "";
			};
			const path = "/home/user/a.txt";
			await call("Execute", { command: "cd /tmp; echo executed" }, /executed/);
			await call("WriteFile", { path, content: "one\ntwo\n" }, /a\.txt/);
			await call("AppendFile", { path, content: "three\n" }, /a\.txt/);
			await call("StrReplace", { path, replacements: [{ oldStr: "two", newStr: "2 $&" }] }, /a\.txt/);
			await call("InsertLines", { path, afterLine: 0, content: "zero" }, /a\.txt/);
			await call("ReadFile", { path }, /zero\n.*one\n.*2 \$&\n.*three/);
			await call("CopyFile", { source: path, destination: "/home/user/b.txt" }, /b\.txt/);
			await call("MoveFile", { source: "/home/user/b.txt", destination: "/home/user/c/d.txt" }, /d\.txt/);
			await call("ListDirectory", { path: "/home/user", recursive: true }, /d\.txt/);
			await call("SearchInFiles", { pattern: "^z.ro$", directory: "/home/user" }, /zero/);
			await call("SetEnvVar", { key: "FRUIT", value: "a $fig" }, /FRUIT/);
			await call("Execute", { command: 'echo "<$FRUIT $PWD>"' }, /<a \$fig \/tmp>/);

			await call("UploadFile", { hostPath: "letter.txt", containerPath: "/home/user/letter.txt" }, /letter\.txt/);
			expect(await computer.files.readText("letter.txt")).toBe("dear model\n");
			await call("DownloadFile", { containerPath: path }, /a\.txt/);
			expect(await readFile(join(workingDirectory, "a.txt"), "utf8")).toBe("zero\none\n2 $&\nthree\n");
			await call("UploadFile", { hostPath: "/etc/passwd" }, /^error: .*\nhint: /);

			const job = await call("ExecuteBackground", { command: "read line; echo got $line; sleep 983" }, /job "?([\w-]+)/);
			await call("SendInput", { job, text: "hello" }, /hello|job/);
			await call("Wait", { job, seconds: 1 }, /job/);
			await call("ReadProcessLogs", { handleId: job, fromOffset: 0 }, /got hello/);
			await call("KillBackground", { handleId: job }, /job/);
			const pid = Number(await call("Execute", { command: "sleep 982 & echo pid $!" }, /pid (\d+)/));
			await call("KillProcess", { pid }, new RegExp(`${pid}`));
			await call("Terminal", { command: "sh", keys: "echo $((6*7))\n" }, /42/);
			await call("ComputerStatus", { showProcesses: true }, new RegExp(`computer: ${computer.name}`));
			await call("Checkpoint", { label: "before" }, /before|checkpoint/);
			await call("Rollback", {}, /before/);
			await call("ResetShell", {}, /fresh/);
			await call("RestartComputer", {}, /restarted/);
			await call("RebuildComputer", {}, /^error: .*\nhint: /);
			await call("ReadFile", { path }, /zero/);
			expect([...called].sort()).toEqual(session.tools.map(({ name }) => name).sort());
			host.close();
			await ended;
			expect(host.violations).toEqual([]);
		});
	});
}

const last = DRIVERS.findLast(({ skip }) => skip === undefined);
/** What this door could get wrong on its own; what the tools do is tried without it. */
const CHOSEN = ["never-polls", "several-questions", "stringified-arguments", "repeated-failing-edit", "compact-job"];

describe.skipIf(last === undefined)("in LM Studio, a model that", () => {
	test.each(transcripts().filter(({ name }) => CHOSEN.includes(name)))("$title ($name)", { timeout: 60_000 }, async (transcript) => {
		if (last === undefined) return;
		const computer = await last.open("transcripts");
		await output(computer, `cd /home/user && find . -mindepth 1 -delete; ${transcript.setUp ?? ""}`);
		const { host, ended } = await startPlugin(folder, node);
		const profile = transcript.profile ?? "full";
		const session = await host.openSession(chat(last, "transcripts", { profile, callsPerTurn: 100 }));
		const listed = new Set(session.tools.map(({ name }) => name));
		await replay(transcript, async (name, args) => {
			// LM Studio offers its model no other tools.
			const [known, given] = listed.has(name) ? [name, args] : ["Execute", { command: "ls -A" }];
			const text = await session.text(known, given as Record<string, unknown>);
			return { text, isError: /^error: /m.test(text) };
		});
		expect((await computer.exec(transcript.check, { session: "check" })).exitCode).toBe(0);
		await host.close();
		await ended;
	});
});
