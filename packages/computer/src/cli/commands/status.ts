import type { Computer } from "../../index.js";
import type { Context } from "../commands.js";
import { find } from "../open.js";
import { columns, duration, print, printJson, size } from "../output.js";
import { printable } from "../printable.js";

export async function run(context: Context): Promise<number> {
	const { flags, interruption, words } = context;
	const computer = await find(context, words[0]);
	try {
		const machine = await computer.inspect({ signal: interruption.signal });
		// Asking inside would start it.
		const inside = machine.state === "running" ? await look(computer, interruption.signal) : undefined;
		if (flags.json) await printJson({ ...machine, inside: inside ?? null });
		else await print(columns([...outsideRows(machine), ...(inside === undefined ? [] : insideRows(inside))]));
		return 0;
	} finally {
		await computer.close();
	}
}

async function look(computer: Computer, signal: AbortSignal) {
	const [system, sessions, terminals, commands] = await Promise.all([
		computer.info({ signal }),
		computer.sessions.list({ signal }),
		computer.terminals.list({ signal }),
		computer.commands.list({ signal }),
	]);
	return { system, sessions, terminals, commands: commands.filter((command) => command.running) };
}

function outsideRows(machine: Awaited<ReturnType<Computer["inspect"]>>): string[][] {
	return [
		["name", printable(machine.name)],
		["driver", machine.driver],
		["state", machine.state],
		["image", printable(machine.image)],
		[
			"made",
			`${new Date(machine.createdAt).toISOString().slice(0, 16).replace("T", " ")} UTC, ${duration(Date.now() - machine.createdAt)} ago`,
		],
		...machine.warnings.map((warning) => ["warning", printable(warning)]),
	];
}

function insideRows({ system, sessions, terminals, commands }: Awaited<ReturnType<typeof look>>): string[][] {
	return [
		["system", printable(`${system.os}, kernel ${system.kernel}, ${system.arch}`)],
		["up", duration(system.uptimeMs)],
		["cpus", String(system.cpus)],
		["memory", `${size(system.memory.availableBytes)} free of ${size(system.memory.totalBytes)}`],
		["disk", `${size(system.disk.freeBytes)} free of ${size(system.disk.totalBytes)}`],
		...sessions.map(({ name, cwd, busy, queued }) => [
			"session",
			printable(`${name}  ${cwd}${busy ? "  busy" : ""}${queued > 0 ? `  ${queued} waiting` : ""}`),
		]),
		...terminals.map(({ name, columns, rows, attached, running }) => [
			"terminal",
			printable(`${name}  ${columns}x${rows}  ${running ? `${attached} attached` : "ended"}`),
		]),
		...commands.map(({ id, durationMs, command }) => ["command", printable(`${id}  ${duration(durationMs)}  ${command.slice(0, 200)}`)]),
	];
}
