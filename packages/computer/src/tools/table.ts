/** Every tool there is, in the order in which a model sees them. */
import { TOOL_WORDS } from "./argument-names.js";
import { executeBackground, killBackground, killProcess, readProcessLogs, sendInput, wait } from "./background.js";
import { checkpoint, rollback } from "./checkpoints.js";
import { insertLines, strReplace } from "./edits.js";
import { execute } from "./execute.js";
import { appendFile, readFile, writeFile } from "./files.js";
import { copyFile, listDirectory, moveFile, searchInFiles } from "./folders.js";
import { GROUP_TOOLS } from "./groups.js";
import { computerStatus, rebuildComputer, resetShell, restartComputer, setEnvVar } from "./machine.js";
import { terminal } from "./terminal.js";
import type { Profile, Tool } from "./tool.js";
import { downloadFile, uploadFile } from "./transfer.js";

export const TOOLS: readonly Tool[] = [
	execute,
	writeFile,
	appendFile,
	readFile,
	strReplace,
	insertLines,
	listDirectory,
	moveFile,
	copyFile,
	searchInFiles,
	setEnvVar,
	uploadFile,
	downloadFile,
	executeBackground,
	wait,
	readProcessLogs,
	sendInput,
	killBackground,
	killProcess,
	terminal,
	computerStatus,
	checkpoint,
	rollback,
	resetShell,
	restartComputer,
	rebuildComputer,
	...GROUP_TOOLS,
];

export function toolsOf(profile: Profile): readonly Tool[] {
	return TOOLS.filter((tool) => tool.profiles.includes(profile));
}

/** The tool that is meant, whatever its letters, or by another word for it. */
export function toolNamed(name: string): Tool | undefined {
	const plain = name.toLowerCase().replace(/[^a-z]/g, "");
	const word = Object.hasOwn(TOOL_WORDS, plain) ? TOOL_WORDS[plain] : undefined;
	return TOOLS.find((tool) => tool.name === name) ?? TOOLS.find((tool) => tool.name.toLowerCase() === plain || tool.name === word);
}
