import { type Computer, openComputer } from "lms-computer";
import { Toolbox } from "lms-computer/tools";
import { beforeAll, describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { replay, transcripts } from "../support/replay.js";
import { output } from "../support/suite.js";

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("a model that", () => {
		let computer: Computer;
		beforeAll(async () => {
			computer = await target.open("transcripts");
		});

		test.each(transcripts())("$title ($name)", async (transcript) => {
			// As a chat finds it: an empty home, a fresh shell, nothing that runs.
			await output(computer, "cd /home/user && find . -mindepth 1 -delete");
			if (transcript.setUp) await output(computer, transcript.setUp);
			const toolbox = new Toolbox({
				open: (options) => openComputer({ ...target.options, ...options, name: computer.name }),
				profile: transcript.profile ?? "full",
			});
			try {
				await toolbox.call("ResetShell", {});
				await replay(transcript, (name, args) => toolbox.call(name, args));
				const { exitCode, stderr } = await computer.exec(transcript.check, { session: "check" });
				expect(exitCode, stderr).toBe(0);
			} finally {
				await toolbox.close();
				for (const { id, running } of await computer.commands.list()) if (running) await computer.commands.kill(id, { graceMs: 0 });
			}
		});
	});
});
