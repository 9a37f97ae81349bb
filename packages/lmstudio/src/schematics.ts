/** The settings of a chat, as LM Studio shows them. */
import { createConfigSchematics } from "@lmstudio/sdk";

/** Of the images offered, the one that says: as I write it. */
export const OTHER_IMAGE = "other";

const slider = (min: number, max: number, step: number) => ({ min, max, int: true, slider: { min, max, step } });
const when = (key: string, value: string) => ({ dependencies: [{ key, condition: { type: "equals" as const, value } }] });

export const schematics = createConfigSchematics()
	.field(
		"internet",
		"select",
		{
			displayName: "Internet",
			subtitle: "What the computer can reach",
			hint: "Applied at the next call. The allow-list lets it reach the hosts that you name, and nothing else.",
			options: [
				{ value: "off", displayName: "Off" },
				{ value: "allow-list", displayName: "Allow-list" },
				{ value: "on", displayName: "On" },
			],
		},
		"off",
	)
	.field(
		"allowedHosts",
		"stringArray",
		{
			displayName: "Allowed hosts",
			subtitle: "One each: pypi.org, *.debian.org, example.com:8443, or apt, apk, pip, npm, github, huggingface, local-model",
			hint: "The words stand for what these tools need. local-model is the model server on port 1234 of your computer: local-model:11434 is another port of it.",
			maxNumItems: 200,
			...when("internet", "allow-list"),
		},
		["apt", "apk", "pip", "npm", "github"],
	)
	.field(
		"computer",
		"select",
		{
			displayName: "Computer",
			subtitle: "Whether your chats share one, with its files and servers. Each has a shell of its own",
			options: [
				{ value: "shared", displayName: "One for all chats" },
				{ value: "chat", displayName: "One for each chat" },
			],
		},
		"shared",
	)
	.field(
		"name",
		"string",
		{
			displayName: "Name",
			subtitle: "Another name is another computer",
			hint: "On the command line it has this name too: lms-computer shell lmstudio",
			minLength: 1,
			maxLength: 40,
		},
		"lmstudio",
	)
	.field(
		"persistence",
		"select",
		{
			displayName: "Persistence",
			subtitle: "Whether its files are there tomorrow",
			hint: "LM Studio may end a plugin that was idle for a while; an ephemeral computer is gone then.",
			options: [
				{ value: "persistent", displayName: "Persistent: files are kept" },
				{ value: "ephemeral", displayName: "Ephemeral: gone when the plugin ends" },
			],
		},
		"persistent",
	)
	.field(
		"driver",
		"select",
		{
			displayName: "Runs on",
			subtitle: "What makes the computer",
			options: [
				{ value: "auto", displayName: "The first that works here" },
				{ value: "docker", displayName: "Docker" },
				{ value: "podman", displayName: "Podman" },
				{ value: "namespace", displayName: "Linux itself, without an engine" },
			],
		},
		"auto",
	)
	.field(
		"image",
		"select",
		{
			displayName: "Base image",
			subtitle: "The system it is made from. Linux itself uses your own system instead",
			options: [
				{ value: "ubuntu:24.04", displayName: "Ubuntu 24.04" },
				{ value: "ubuntu:22.04", displayName: "Ubuntu 22.04" },
				{ value: "debian:bookworm-slim", displayName: "Debian 12 (slim)" },
				{ value: "alpine:3.20", displayName: "Alpine 3.20" },
				{ value: OTHER_IMAGE, displayName: "Another one" },
			],
		},
		"ubuntu:24.04",
	)
	.field(
		"otherImage",
		"string",
		{ displayName: "Image", subtitle: "Any Linux image: name:tag", placeholder: "python:3.13-slim", ...when("image", OTHER_IMAGE) },
		"",
	)
	.field(
		"preset",
		"select",
		{
			displayName: "Packages",
			subtitle: "Installed when the computer is first made, with the internet off too",
			options: [
				{ value: "none", displayName: "None" },
				{ value: "minimal", displayName: "Minimal: curl, wget, git, vim, jq" },
				{ value: "python", displayName: "Python" },
				{ value: "node", displayName: "Node.js" },
				{ value: "build", displayName: "Build tools" },
				{ value: "network", displayName: "Network tools" },
				{ value: "full", displayName: "Full: all of these" },
			],
		},
		"minimal",
	)
	.field(
		"cpus",
		"numeric",
		{ displayName: "CPUs", subtitle: "0: all of them", min: 0, max: 8, precision: 1, slider: { min: 0, max: 8, step: 0.5 } },
		2,
	)
	.field("memoryMB", "numeric", { displayName: "Memory (MB)", subtitle: "Without swap", ...slider(256, 8192, 256) }, 1024)
	.field("diskMB", "numeric", { displayName: "Disk (MB)", subtitle: "What it may write", ...slider(512, 32_768, 512) }, 4096)
	.field(
		"ports",
		"string",
		{
			displayName: "Port forwards",
			subtitle: "This computer's port : its port. Reachable from this computer alone",
			hint: "A server in it that listens on 80 is then http://localhost:8080. Write 0.0.0.0:8080:80 to open it to your network.",
			placeholder: "8080:80,3000:3000",
		},
		"",
	)
	.field(
		"sharedFolder",
		"string",
		{
			displayName: "Shared folder",
			subtitle: "A folder of yours that it sees at /mnt/shared, and may change",
			hint: "Add :ro at its end, and it can only read.",
			placeholder: "/home/me/project or C:\\Users\\me\\project",
		},
		"",
	)
	.field(
		"shareChatFolder",
		"boolean",
		{
			displayName: "Share the chat's folder",
			subtitle: "The chat's working directory is the shared folder: what is written to /mnt/shared is there at once",
			...when("computer", "chat"),
		},
		false,
	)
	.field(
		"attachments",
		"boolean",
		{ displayName: "Attached files", subtitle: "Copied to /home/user/attachments when you send them, images too" },
		true,
	)
	.field(
		"injectContext",
		"boolean",
		{ displayName: "Tell the model about its computer", subtitle: "A short block before your message: state, tools, files, running jobs" },
		true,
	)
	.field(
		"profile",
		"select",
		{
			displayName: "Tools",
			subtitle: "How many the model gets",
			options: [
				{ value: "auto", displayName: "By the model's context length" },
				{ value: "compact", displayName: "Compact: the few most useful ones" },
				{ value: "standard", displayName: "Standard" },
				{ value: "full", displayName: "Full: all of them" },
			],
		},
		"auto",
	)
	.field(
		"timeoutSeconds",
		"numeric",
		{
			displayName: "Command timeout (s)",
			subtitle: "A command that takes longer goes on as a job, and the model can go on too",
			...slider(5, 300, 5),
		},
		30,
	)
	.field(
		"outputKB",
		"numeric",
		{ displayName: "Output (KB)", subtitle: "Of one result: the beginning and the end of a longer one", ...slider(1, 128, 1) },
		32,
	)
	.field(
		"callsPerTurn",
		"numeric",
		{ displayName: "Tool calls per message", subtitle: "Then the model has to answer you", ...slider(1, 100, 1) },
		25,
	)
	.field(
		"strictSafety",
		"boolean",
		{ displayName: "Strict safety", subtitle: "What would destroy the computer itself needs a confirmation, and a checkpoint is offered" },
		true,
	)
	.field(
		"idleStopMinutes",
		"numeric",
		{
			displayName: "Stop when idle (min)",
			subtitle: "0: never. Files are kept, and the next call starts it again",
			...slider(0, 240, 5),
		},
		60,
	)
	.build();
