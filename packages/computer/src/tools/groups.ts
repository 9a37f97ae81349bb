/** Several tools as one, for a small context: an action chooses which, and the parameters are theirs. */
import { type Prepared, prepare } from "./arguments.js";
import { killBackground, readProcessLogs, sendInput, wait } from "./background.js";
import { callText } from "./call-text.js";
import { checkpoint, rollback } from "./checkpoints.js";
import { COMPACT, parameters, text, tool } from "./define.js";
import { ToolFailure } from "./failure.js";
import { computerStatus, rebuildComputer, resetShell, restartComputer } from "./machine.js";
import type { Arguments, Schema, Tool, ToolCall } from "./tool.js";
import { downloadFile, uploadFile } from "./transfer.js";

interface Group {
	readonly name: string;
	readonly title: string;
	readonly description: string;
	readonly actions: Readonly<Record<string, Tool>>;
	/** Shown to the model; the actions' tools check them. */
	readonly properties: Readonly<Record<string, Schema>>;
	/** Names of the members' parameters that are another one here. */
	readonly renamed?: Readonly<Record<string, string>>;
}

const GROUPS: readonly Group[] = [
	{
		name: "Job",
		title: "Jobs",
		description: "A job: wait for it, read its output (from a byte offset), answer it with a line of text, or kill it.",
		actions: { wait, logs: readProcessLogs, input: sendInput, kill: killBackground },
		properties: {
			job: text(),
			"text?": text(),
			"fromOffset?": { type: "integer" },
			"stream?": { ...text(), enum: ["stdout", "stderr"] },
		},
		renamed: { handleId: "job" },
	},
	{
		name: "Transfer",
		title: "Copy in and out",
		description: "Copy a file or folder: in from the user, or out to the user.",
		actions: { in: uploadFile, out: downloadFile },
		properties: { "hostPath?": text(), "containerPath?": text() },
	},
	{
		name: "Computer",
		title: "The computer",
		description:
			"Its status, a checkpoint of all files, going back to one (confirm), a new shell, restarting, rebuilding without files (confirm).",
		actions: {
			status: computerStatus,
			checkpoint,
			rollback,
			newShell: resetShell,
			restart: restartComputer,
			rebuild: rebuildComputer,
		},
		properties: { "checkpoint?": text(), "confirm?": { type: "boolean" } },
	},
];

export const GROUP_TOOLS: readonly Tool[] = GROUPS.map((group) => {
	const members = Object.values(group.actions);
	return tool({
		name: group.name,
		title: group.title,
		description: group.description,
		input: parameters({ action: { ...text(), enum: Object.keys(group.actions) }, ...group.properties }),
		output: Object.assign({}, ...members.map(({ output }) => output.properties)) as Readonly<Record<string, Schema>>,
		hints: {
			readOnly: false,
			destructive: true,
			idempotent: false,
			openWorld: members.some(({ hints }) => hints.openWorld),
		},
		costOf: (args) => group.actions[args["action"] as string]?.cost ?? 1,
		readsOnly: (args) => group.actions[args["action"] as string]?.hints.readOnly ?? false,
		profiles: COMPACT,
		run: async (call: ToolCall) => {
			const { action, ...args } = call.args;
			const member = group.actions[action as string] as Tool;
			const { args: own, repairs } = preparedAs(group, String(action), member, args);
			const answer = await member.run({ ...call, args: own });
			return { ...answer, text: [...repairs.map((repair) => `note: ${repair}`), answer.text].join("\n") };
		},
	});
});

/** What is wrong with a member's arguments is told in the group's words. */
function preparedAs(group: Group, action: string, member: Tool, args: Arguments): Prepared {
	try {
		return prepare(member, namedFor(group, member, args));
	} catch (error) {
		if (!(error instanceof ToolFailure)) throw error;
		const { message, next, ...rest } = error.failure;
		const words = (text: string) => Object.entries(group.renamed ?? {}).reduce((all, [from, to]) => all.replaceAll(from, to), text);
		throw new ToolFailure({
			...rest,
			message: words(message.replaceAll(member.name, `${group.name} with the action ${action}`)),
			next: words(next.replace(`${member.name}(`, `${group.name}(action: ${JSON.stringify(action)}, `)),
		});
	}
}

/** In the member's own words: the group's names are no mistake of the model's. */
function namedFor(group: Group, { input }: Tool, args: Arguments): Arguments {
	const own = new Map(Object.entries(group.renamed ?? {}).flatMap(([name, shown]) => (name in input.properties ? [[shown, name]] : [])));
	return Object.fromEntries(Object.entries(args).map(([key, value]) => [own.get(key) ?? key, value]));
}

/** A call of a member, as one of its group. */
function groupedCall(name: string, args: Arguments): { readonly name: string; readonly args: Arguments } | undefined {
	for (const group of GROUPS) {
		const action = Object.entries(group.actions).find(([, member]) => member.name === name)?.[0];
		if (action === undefined) continue;
		const renamed = Object.entries(args).map(([key, value]) => [group.renamed?.[key] ?? key, value] as const);
		return { name: group.name, args: { action, ...Object.fromEntries(renamed) } };
	}
	return undefined;
}

/** A call as text in the words of a profile; empty where it has no tool for it. */
export function callOf(tools: ReadonlyMap<string, Tool>, name: string, args: Arguments = {}): string {
	if (tools.has(name)) return callText(name, args);
	// Its reading of a folder is a list of it.
	if (name === "ListDirectory" && tools.has("ReadFile")) return callText("ReadFile", { path: args["path"] ?? "." });
	const grouped = groupedCall(name, args);
	return grouped !== undefined && tools.has(grouped.name) ? callText(grouped.name, grouped.args) : "";
}
