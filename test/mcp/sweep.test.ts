import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { at, PATIENCE_MS } from "../cli/command.js";
import { DRIVERS } from "../support/drivers.js";
import { type Connected, connect } from "./client.js";

const [target] = DRIVERS.filter(({ skip }) => skip === undefined).toReversed();

/** What an earlier answer said, for a later call. */
type Known = Record<string, unknown>;
type Call = readonly [tool: string, args: (known: Known, host: string) => Record<string, unknown>];

const FULL: readonly Call[] = [
	["Execute", () => ({ command: "cd /tmp; echo out; echo err >&2; exit 3" })],
	["WriteFile", () => ({ path: "~/a.txt", content: "one\ntwo\n" })],
	["AppendFile", () => ({ path: "~/a.txt", content: "three\n" })],
	["ReadFile", () => ({ path: "~/a.txt", startLine: 2 })],
	["StrReplace", () => ({ path: "~/a.txt", replacements: [{ oldStr: "two", newStr: "2" }] })],
	["InsertLines", () => ({ path: "~/a.txt", afterLine: 1, content: "one and a half" })],
	["ListDirectory", () => ({ path: "~", recursive: true })],
	["CopyFile", () => ({ source: "~/a.txt", destination: "~/b.txt" })],
	["MoveFile", () => ({ source: "~/b.txt", destination: "~/c/d.txt" })],
	["SearchInFiles", () => ({ pattern: "thr.e", directory: "~" })],
	["SetEnvVar", () => ({ key: "FRUIT", value: "pear" })],
	["UploadFile", (_, host) => ({ hostPath: join(host, "in.txt"), containerPath: "~/in.txt" })],
	["DownloadFile", (_, host) => ({ containerPath: "~/a.txt", hostPath: join(host, "out.txt") })],
	["ExecuteBackground", () => ({ command: "read line; echo got $line; sleep 300" })],
	["SendInput", ({ job }) => ({ job, text: "hello" })],
	["ReadProcessLogs", ({ job }) => ({ handleId: job })],
	["Wait", ({ job }) => ({ job, seconds: 1 })],
	["KillBackground", ({ job }) => ({ handleId: job })],
	["Execute", () => ({ command: "sleep 300 & echo $!" })],
	["ComputerStatus", () => ({ showProcesses: true })],
	["KillProcess", ({ stdout }) => ({ pid: Number(stdout) })],
	["Terminal", () => ({ command: "cat", keys: "hello<Enter>" })],
	["Checkpoint", () => ({ label: "before" })],
	["Rollback", () => ({ confirm: true })],
	["ResetShell", () => ({})],
	["RestartComputer", () => ({})],
	["RebuildComputer", () => ({ confirm: true })],
];

const COMPACT: readonly Call[] = [
	["Execute", () => ({ command: "sleep 300", timeout: 1 })],
	["Job", ({ job }) => ({ action: "logs", job })],
	["Job", ({ job }) => ({ action: "kill", job })],
	["Transfer", (_, host) => ({ action: "in", hostPath: join(host, "in.txt") })],
	["Computer", () => ({ action: "status" })],
];

let host: string;
beforeAll(async () => {
	host = mkdtempSync(join(tmpdir(), "lms-computer-sweep-"));
	writeFileSync(join(host, "in.txt"), "from the host\n");
	await target?.open("sweep");
});
afterAll(() => rmSync(host, { recursive: true }));

describe.skipIf(target === undefined)("every tool answers what its schema says, to a client that checks it", () => {
	test.each([
		["full", FULL],
		["compact", COMPACT],
	] as const)("%s", { timeout: PATIENCE_MS }, async (profile, calls) => {
		const image = target?.options.image === undefined ? [] : ["--image", target.options.image];
		const flags = [...(target === undefined ? [] : at(target, "sweep")), ...image, "--profile", profile, "--host-folder", host];
		const connected = await connect(flags);
		try {
			const { tools } = await connected.client.listTools();
			await run(connected, calls);
			const tried = new Set(calls.map(([tool]) => tool));
			if (profile === "full") expect(tools.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
		} finally {
			await connected.close();
		}
		if (profile === "full") expect(readFileSync(join(host, "out.txt"), "utf8")).toBe("one\none and a half\n2\nthree\n");
		else expect(existsSync(host)).toBe(true);
	});
});

async function run({ client }: Connected, calls: readonly Call[]): Promise<void> {
	const known: Known = {};
	for (const [name, args] of calls) {
		// It rejects where the structured content is not what the output schema says.
		const result = await client.callTool({ name, arguments: args(known, host) });
		expect(result.isError, `${name}: ${JSON.stringify(result.content)}`).toBe(false);
		expect(result.structuredContent, name).toBeTypeOf("object");
		Object.assign(known, result.structuredContent);
	}
}
