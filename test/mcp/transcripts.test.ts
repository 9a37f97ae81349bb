import { beforeAll, describe, expect, test } from "vitest";
import { at, PATIENCE_MS } from "../cli/command.js";
import { DRIVERS } from "../support/drivers.js";
import { replay, transcripts } from "../support/replay.js";
import { output } from "../support/suite.js";
import { connect } from "./client.js";

const target = DRIVERS.findLast(({ skip }) => skip === undefined);
/** What this door could get wrong on its own: text in and out, jobs from call to call, sizes, profiles. What the tools do is tried without it. */
const CHOSEN = ["never-polls", "several-questions", "endless-output", "repeated-failing-edit", "compact-job"];

describe.skipIf(target === undefined)("over MCP, a model that", () => {
	beforeAll(async () => {
		await target?.open("mcp-transcripts");
	});

	test.each(transcripts().filter(({ name }) => CHOSEN.includes(name)))("$title ($name)", { timeout: PATIENCE_MS }, async (transcript) => {
		if (target === undefined) return;
		const computer = await target.open("mcp-transcripts");
		await output(computer, `cd /home/user && find . -mindepth 1 -delete; ${transcript.setUp ?? ""}`);
		const { client, close } = await connect([...at(target, "mcp-transcripts"), "--profile", transcript.profile ?? "full"]);
		try {
			const listed = new Set((await client.listTools()).tools.map(({ name }) => name));
			await replay(transcript, async (name, args) => {
				// A client offers its model no other tools, and the protocol refuses them.
				const [known, given] = listed.has(name) ? [name, args] : ["Execute", { command: "ls -A" }];
				const { content, isError } = await client.callTool({ name: known, arguments: given as Record<string, unknown> });
				const texts = content.map((part) => (part.type === "text" ? part.text : ""));
				return { text: texts.join("\n"), isError: isError ?? false };
			});
			expect((await computer.exec(transcript.check, { session: "check" })).exitCode).toBe(0);
		} finally {
			await close();
		}
	});
});
