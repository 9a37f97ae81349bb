/** Terminal: programs that need a screen and keys. */
import { showLine } from "./clean.js";
import { asData } from "./data-text.js";
import { FULL, flag, HINTS, parameters, text, tool, whole } from "./define.js";
import { ToolFailure } from "./failure.js";
import { keyBytes } from "./keys.js";
import { COLUMNS, ROWS, Screen } from "./screen.js";
import type { Answer, ToolCall } from "./tool.js";

const DEFAULT_NAME = "model";

export const terminal = tool({
	name: "Terminal",
	title: "Use a terminal",
	description:
		"Run a program in a terminal (default: a shell), send keys such as `:wq<Enter>` or `<C-c>`, see the screen. `close` ends it.",
	input: parameters({ "command?": text(), "keys?": text(), "terminal?": text("name"), "close?": flag() }),
	output: { terminal: text(), screen: text(), line: whole("The cursor's."), column: whole(), running: flag(), exitCode: whole() },
	hints: HINTS.RUN,
	profiles: FULL,
	run,
});

async function run(call: ToolCall): Promise<Answer> {
	const {
		command,
		keys,
		terminal: name = DEFAULT_NAME,
		close = false,
	} = call.args as {
		command?: string;
		keys?: string;
		terminal?: string;
		close?: boolean;
	};
	const computer = await call.computer();
	const { screens } = call.memory;
	let screen = screens.get(name);
	if (close) {
		screen?.close();
		screens.delete(name);
		await computer.terminals.remove(name, { signal: call.signal });
		return { text: `the terminal "${name}" is closed`, structured: { terminal: name, running: false } };
	}
	// Another program in a terminal whose own is over; else the one that runs is what is meant.
	if (screen?.ended || (screen === undefined && command !== undefined)) {
		screen?.close();
		screens.delete(name);
		screen = undefined;
		await removeEnded(call, name);
	}
	if (screen === undefined) {
		const { session } = call.settings;
		const options = { command, session, columns: COLUMNS, rows: ROWS, signal: call.signal };
		screen = await Screen.open(await computer.terminals.open(name, options));
		screens.set(name, screen);
		await screen.settled(call.signal);
	}
	if (keys !== undefined) {
		screen.press(keyBytes(keys));
		await screen.settled(call.signal);
	}
	return await look(call, name, screen, command);
}

/** Undefined: there is none of that name. */
async function isRunning(call: ToolCall, name: string): Promise<boolean | undefined> {
	const { terminals } = await call.computer();
	return (await terminals.list({ signal: call.signal })).find((state) => state.name === name)?.running;
}

async function removeEnded(call: ToolCall, name: string): Promise<void> {
	if ((await isRunning(call, name)) !== false) return;
	await (await call.computer()).terminals.remove(name, { signal: call.signal });
}

async function look(call: ToolCall, name: string, screen: Screen, command: string | undefined): Promise<Answer> {
	const { line, column } = screen.cursor;
	const content = screen.text.split("\n").map(showLine).join("\n");
	const exitCode = screen.ended ? await screen.terminal.exitCode().catch(() => null) : null;
	if (screen.ended && (await isRunning(call, name))) {
		throw new ToolFailure({
			code: "connection_lost",
			message: `the connection to the terminal "${name}" broke; its program goes on`,
			hint: "Look at it again before you send more keys.",
			next: call.say("Terminal", name === DEFAULT_NAME ? {} : { terminal: name }),
		});
	}
	const { created, state } = screen.terminal;
	const lines = [
		screen.ended
			? `the program in the terminal "${name}" has ended${exitCode === null ? "" : ` with exit code ${exitCode}`}`
			: `the terminal "${name}", the cursor at line ${line}, column ${column}`,
	];
	if (command !== undefined && !created && !screen.ended)
		lines.push(`note: it was open already and runs what it ran (process ${state.pid})`);
	lines.push(asData("screen", content));
	if (!screen.ended) lines.push(`next: ${call.say("Terminal", { ...(name !== DEFAULT_NAME && { terminal: name }), keys: "…" })}`);
	return {
		text: lines.join("\n"),
		structured: { terminal: name, screen: content, line, column, running: !screen.ended, ...(exitCode !== null && { exitCode }) },
	};
}
