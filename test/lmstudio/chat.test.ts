import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Computer } from "lms-computer";
import { expect, test } from "vitest";
import { Chat } from "../../packages/lmstudio/src/chat.js";
import { heldPorts } from "../../packages/lmstudio/src/ports.js";
import type { Settings } from "../../packages/lmstudio/src/settings.js";
import { DRIVERS, type Target } from "../support/drivers.js";
import { freePort } from "../support/free-port.js";

const target = DRIVERS.findLast(({ skip }) => skip === undefined);

const silent = { onStatus: () => {} };

const docker = DRIVERS.find(({ driver, skip }) => driver === "docker" && skip === undefined);

async function chatOf(name: string, on = target): Promise<{ chat: Chat; settings: Settings; computer: Computer }> {
	const { options, open } = on as Target;
	const computer = await open(name);
	const settings: Settings = {
		computer: { ...options, name: computer.name },
		tools: { maxOutputBytes: 32_768 },
		heldPorts: "",
		chatFolder: undefined,
		internet: "off",
		attachments: true,
		injectContext: true,
	};
	return { chat: new Chat(settings), settings, computer };
}

test.skipIf(target === undefined)(
	"what a computer was opened for is done with it, whatever is learned of the model meanwhile",
	async () => {
		const { chat, settings } = await chatOf("chat-late");
		const { signal } = new AbortController();
		try {
			const options = { ...silent, signal };
			await chat.withComputer(options, async (open) => {
				const opening = open();
				chat.configure(settings, 50_000);
				await (await opening).files.write("note", "seen");
			});
			// It is of the settings of before, and goes with them.
			expect(chat.computer).toBeUndefined();
			const written = chat.withComputer(options, async (open) => {
				const opening = open();
				chat.configure(settings, 60_000);
				const computer = await opening;
				// Another call, which opens the next one, lets go of this one only when this has ended.
				await chat.call("Execute", { command: "true" }, options);
				await pause(100);
				await computer.files.write("letter", "dear");
				return await computer.files.readText("letter");
			});
			expect(await written).toBe("dear");
			expect(await chat.computer?.files.readText("letter")).toBe("dear");
		} finally {
			await chat.close();
		}
	},
);

test.skipIf(target === undefined)("a chat that is let go of lets its call end", async () => {
	const { chat, computer } = await chatOf("chat-old");
	try {
		const call = chat.call(
			"Execute",
			{ command: "touch /tmp/began; sleep 1; echo en''ded" },
			{ ...silent, signal: new AbortController().signal },
		);
		await expect.poll(() => computer.files.exists("/tmp/began"), { timeout: 20_000 }).toBe(true);
		chat.retire();
		expect((await call).text).toContain("ended");
	} finally {
		await chat.close();
	}
});

test.skipIf(target === undefined)("chats that open a computer at once, whose settings have changed, have it made anew once", async () => {
	const { chat, settings } = await chatOf("chat-together");
	const folder = await mkdtemp(join(tmpdir(), "lms-computer-chat-"));
	const changed = { ...settings, computer: { ...settings.computer, folders: [folder] } };
	const chats = ["a", "b", "c"].map((session) => new Chat({ ...changed, tools: { ...settings.tools, session } }));
	try {
		const options = { ...silent, signal: new AbortController().signal };
		const results = await Promise.all(
			chats.map((one) => one.call("Execute", { command: "ls -d /mnt/shared; sleep 1; echo en''ded" }, options)),
		);
		for (const { text } of results) expect(text).toMatch(/\/mnt\/shared\nended/);
	} finally {
		await Promise.all([chat, ...chats].map((one) => one.close()));
		await rm(folder, { recursive: true });
	}
});

test.skipIf(docker === undefined)(
	"a port that the plugin has joined is free for the engine, which publishes it when the internet is switched on",
	async () => {
		const { chat, settings } = await chatOf("chat-ports", docker);
		const port = await freePort();
		const options = { ...silent, signal: new AbortController().signal };
		try {
			chat.configure({ ...settings, heldPorts: `${port}:8000` });
			expect((await chat.call("Execute", { command: "true" }, options)).text).toContain("exit code 0");
			chat.configure({ ...settings, computer: { ...settings.computer, network: "open", ports: [`${port}:8000`] } });
			const { text } = await chat.call("Execute", { command: "ls /sys/class/net" }, options);
			expect(text).toContain("eth0");
		} finally {
			await chat.close();
			await heldPorts.close();
		}
	},
);
