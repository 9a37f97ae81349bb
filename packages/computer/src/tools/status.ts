/** ComputerStatus: what a model asks before it begins, on one page. */
import type { Computer } from "../computer.js";
import { showLine } from "./clean.js";
import { asData } from "./data-text.js";
import { excerpt } from "./excerpt.js";
import { fitting } from "./fitting.js";
import type { Answer, ToolCall } from "./tool.js";

const MAX_PROCESSES = 40;
const MAX_RUNNING = 20;
const MAX_FINISHED = 5;
const MAX_NOTICES = 10;
const MiB = 1024 * 1024;

export async function statusOf(call: ToolCall): Promise<Answer> {
	const computer = await call.computer();
	const { signal } = call;
	const [info, metrics, tools, sessions, commands, ports, machine] = await Promise.all([
		computer.info({ signal }),
		computer.metrics({ signal }),
		computer.tools({ versions: true, signal }),
		computer.sessions.list({ signal }),
		computer.commands.list({ signal }),
		computer.processes.ports({ signal }),
		computer.inspect({ signal }),
	]);
	const { memory, disk, pids, cpu } = metrics;
	const cwd = sessions.find(({ name }) => name === call.settings.session)?.cwd ?? info.home;
	const running = commands.filter((command) => command.running);
	const finished = commands.filter((command) => !command.running).slice(-MAX_FINISHED);
	const latest = running.slice(-MAX_RUNNING);
	const limit = (value: number | null) => (value === null ? "no limit" : `of ${Math.round(value / MiB)} MB`);
	const lines = [
		`computer: ${computer.name}, ${computer.driver}, image ${machine.image}, made ${new Date(machine.createdAt).toISOString()}`,
		`system: ${info.os} (${info.osId} ${info.osVersion}), Linux ${info.kernel}, ${info.arch}, host name ${info.hostname}, up ${Math.round(info.uptimeMs / 1000)} s`,
		`user: ${info.user}, home ${info.home}, shell ${info.shell}, now in ${cwd}`,
		`cpu: ${cpu.processors}, ${cpu.percent} % used; processes ${pids.used}${pids.limit === null ? "" : ` of ${pids.limit}`}`,
		`memory: ${Math.round(memory.usedBytes / MiB)} MB used ${limit(memory.limitBytes)}; disk: ${Math.round(disk.freeBytes / MiB)} MB free of ${Math.round(disk.totalBytes / MiB)} MB`,
		`tools: ${tools.map(({ name, version }) => (version === undefined ? name : `${name} ${version}`)).join(", ") || "none of the usual"}`,
		`ports: ${ports.map(({ port, program }) => `${port}${program === undefined ? "" : ` (${program})`}`).join(", ") || "none listens"}`,
		...(running.length > MAX_RUNNING ? [`jobs: ${running.length} run, the ${MAX_RUNNING} latest of them:`] : []),
		...latest.map(({ id, command }) => `job "${id}" runs: ${oneLine(command)}`),
		...finished.map(({ id, command, exitCode }) => `command "${id}" ended with ${exitCode}: ${oneLine(command)}`),
	];
	if (call.args["showProcesses"] === true) lines.push(...(await processLines(computer, signal)));
	const notices = computer.notices.slice(-MAX_NOTICES);
	const { maxOutputBytes: bytes, maxOutputTokens: tokens } = call.settings;
	const shown = excerpt(
		{ head: Buffer.from(lines.join("\n")) },
		{ bytes, tokens },
		showLine,
		(missing) => `[... ${missing} bytes more]`,
		1,
	);
	return {
		text: [...notices.map((notice) => `notice: ${showLine(notice)}`), asData("status", shown.text)].join("\n"),
		structured: {
			name: computer.name,
			driver: computer.driver,
			os: info.os,
			cwd,
			jobs: fitting(
				[...latest, ...finished].map(({ id, command, running }) => ({ job: id, command: oneLine(command), running })),
				bytes,
			),
			notices,
		},
	};
}

async function processLines(computer: Computer, signal: AbortSignal | undefined): Promise<string[]> {
	const all = (await computer.processes.list({ signal })).filter(({ internal }) => !internal);
	const most = all.toSorted((a, b) => b.rssBytes - a.rssBytes).slice(0, MAX_PROCESSES);
	return [
		`processes: ${all.length}${most.length < all.length ? `, the ${most.length} largest` : ""}`,
		...most.map(({ pid, user, cpuMs, rssBytes, command }) => {
			return `${pid} ${user} ${Math.round(rssBytes / MiB)} MB ${(cpuMs / 1000).toFixed(1)} s ${oneLine(command)}`;
		}),
	];
}

function oneLine(command: string): string {
	const line = command.replace(/\s+/g, " ").trim();
	return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}
