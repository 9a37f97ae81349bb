/** What the model is told about its computer before the user's words. Names and commands in it come from the guest: bounded, and on one line each. */
import type { Delivered } from "./attachments.js";
import type { Observation } from "./observe.js";

/** Of the whole block, whatever is in it. */
const MAX_LENGTH = 2000;
const MAX_WORD = 80;
const OPEN = "<computer>";
const CLOSE = "</computer>";

/** Empty when there is nothing to say. */
export function contextBlock(seen: Observation | undefined, attached: readonly Delivered[]): string {
	const lines = [...attached.map(attachedLine), ...(seen === undefined ? [] : describe(seen))];
	if (lines.length === 0) return "";
	let block = OPEN;
	for (const line of lines) {
		// Files come first: they are of this message. What does not fit is left out, the rest of it shorter.
		const room = MAX_LENGTH - block.length - CLOSE.length - 2;
		if (room <= 1) break;
		block += `\n${line.length <= room ? line : `${cut(line, room - 1)}…`}`;
	}
	return `${block}\n${CLOSE}`;
}

function attachedLine(file: Delivered): string {
	if ("error" in file) return `The attached file ${word(file.name)} could not be copied to the computer: ${word(file.error, 200)}`;
	return `Attached file: ${word(file.path, 300)} (${bytes(file.sizeBytes)})`;
}

function describe(seen: Observation): string[] {
	if (seen.state === "none" || seen.state === "stopped") return planned(seen);
	if (seen.state === "unavailable") return [`Your Linux computer cannot be made here, tell the user: ${word(seen.reason ?? "", 1000)}`];
	if (seen.state === "unknown") return ["You have a Linux computer. Its state could not be seen just now; your tools say more."];
	const { info, cwd, tools, files, jobs } = seen;
	const lines = ["You have a Linux computer, and it is running. Your tools work in it."];
	if (info !== undefined) {
		lines.push(
			`System: ${word(info.os)}, ${word(info.arch)}, ${word(info.shell)}`,
			`Free: disk ${bytes(info.disk.freeBytes)} of ${bytes(info.disk.totalBytes)}, memory ${bytes(info.memory.availableBytes)} of ${bytes(info.memory.totalBytes)}`,
		);
	}
	lines.push(`Internet: ${internet(seen)}. Files: ${keeping(seen)}`, ...shared(seen));
	if (tools !== undefined && tools.length > 0) lines.push(`Tools: ${tools.map((name) => word(name, 20)).join(", ")}`);
	if (cwd !== undefined) lines.push(`Working directory: ${word(cwd, 200)}`);
	for (const job of jobs?.slice(0, 5) ?? [])
		lines.push(`Running: job ${word(job.id)}, ${word(job.command)}, for ${seconds(job.durationMs)}`);
	if (files !== undefined && files.length > 0) lines.push(`In ${word(info?.home ?? "~")}: ${fileNames(seen)}`);
	return lines;
}

function planned({ state, settings, ...seen }: Observation): string[] {
	const { image, driver, cpus, memoryBytes, diskBytes } = settings.computer;
	const system = driver === "namespace" ? "the host's own system" : word(image ?? "");
	const limits = [
		cpus ? `${cpus} CPUs` : "all CPUs",
		memoryBytes ? `${bytes(memoryBytes)} memory` : "",
		diskBytes ? `${bytes(diskBytes)} disk` : "",
	];
	return [
		`You have a Linux computer. It is ${state === "none" ? "made" : "started"} by the first call of a tool.`,
		`System: ${system}. ${limits.filter(Boolean).join(", ")}`,
		`Internet: ${internet({ state, settings, ...seen })}. Files: ${keeping({ state, settings, ...seen })}`,
		"Working directory: /home/user",
		...shared({ state, settings, ...seen }),
	];
}

/** What the user sees too. */
function shared({ settings }: Observation): string[] {
	const { folders = [], ports = [] } = settings.computer;
	const joined = settings.heldPorts === "" ? ports : [settings.heldPorts];
	return [
		...(folders.length > 0 ? ["Shared with the user: what is in /mnt/shared"] : []),
		...joined.map((port) => `Ports that the user reaches (theirs:yours): ${word(String(port), 200)}`),
	];
}

function internet({ settings }: Observation): string {
	if (settings.internet === "allow-list") return "only the hosts that the user allows";
	return settings.internet;
}

function keeping({ settings }: Observation): string {
	return settings.computer.persistence === "ephemeral" ? "gone when the user has left for a while" : "kept";
}

function fileNames({ files = [], moreFiles = 0 }: Observation): string {
	const names = files.map((file) => (file.type === "directory" ? `${word(file.name)}/` : word(file.name)));
	return `${names.join(", ")}${moreFiles > 0 ? ` and ${moreFiles} more` : ""}`;
}

/** One line that ends no tag. */
function word(text: string, max = MAX_WORD): string {
	const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>]+/gu, " ").trim();
	return line.length > max ? `${cut(line, max - 1)}…` : line;
}

/** Never between the two halves of a character. */
function cut(text: string, length: number): string {
	return text.slice(0, length).replace(/[\ud800-\udbff]$/, "");
}

function bytes(count: number): string {
	const units = ["B", "KB", "MB", "GB", "TB"];
	let value = count;
	let unit = 0;
	while (value >= 1024 && unit < units.length - 1) {
		value /= 1024;
		unit++;
	}
	return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

function seconds(ms: number): string {
	const total = Math.round(ms / 1000);
	return total < 120 ? `${total} s` : `${Math.round(total / 60)} min`;
}
