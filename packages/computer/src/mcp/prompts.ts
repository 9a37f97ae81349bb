/** Prompts: what a user can begin a conversation about the computer with, as data. */
import { type GetPromptResult, type ListPromptsResult, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { CompletionKind } from "./completion.js";

interface PromptArgument {
	readonly name: string;
	readonly description: string;
	readonly required: boolean;
	readonly completes?: CompletionKind;
}

interface Prompt {
	readonly name: string;
	readonly title: string;
	readonly description: string;
	readonly arguments: readonly PromptArgument[];
	readonly text: (given: Readonly<Record<string, string>>) => string;
}

const path = (description: string): PromptArgument => ({ name: "path", description, required: true, completes: "path" });

export const PROMPTS: readonly Prompt[] = [
	{
		name: "do-task",
		title: "Do something on the computer",
		description: "A task, done step by step and checked at the end",
		arguments: [{ name: "task", description: "what to do", required: true }],
		text: ({ task }) => `Do this on your Linux computer: ${task}

First look at what is there. Then go step by step, and read what every command says before the next one. Run what you made and check that it does what was asked. \
Say at the end what you did, where the result is, and what is left.`,
	},
	{
		name: "look-into-job",
		title: "Why does a job behave as it does?",
		description: "Reads a job's log and explains it",
		arguments: [{ name: "job", description: "its id", required: true, completes: "job" }],
		text: ({ job }) => `Look at job ${job} of your Linux computer: whether it still runs, its exit code, and the end of both its logs. \
Say what it did and, if it failed or hangs, why. Propose the next step, and do not take it yet.`,
	},
	{
		name: "review-file",
		title: "Review a file of the computer",
		description: "Reads a file and names its defects",
		arguments: [path("of the file, absolute without the first slash")],
		text: ({
			path,
		}) => `Read ${path?.startsWith("~") ? path : `/${path?.replace(/^\/+/, "")}`} on your Linux computer and review it: defects first, with line numbers and what goes wrong, then what could be simpler. \
Try what you are not sure of by running it. Change nothing.`,
	},
];

export function listPrompts(): ListPromptsResult {
	return {
		prompts: PROMPTS.map(({ arguments: given, description, name, title }) => ({
			name,
			title,
			description,
			arguments: given.map(({ completes, ...shown }) => shown),
		})),
	};
}

export function getPrompt({
	arguments: given = {},
	name,
}: {
	name: string;
	arguments?: Record<string, string> | undefined;
}): GetPromptResult {
	const prompt = PROMPTS.find((one) => one.name === name);
	if (prompt === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${name.slice(0, 100)}`);
	const missing = prompt.arguments.filter((argument) => argument.required && !given[argument.name]).map((argument) => argument.name);
	if (missing.length > 0) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Missing arguments: ${missing.join(", ")}`);
	return { description: prompt.description, messages: [{ role: "user", content: { type: "text", text: prompt.text(given) } }] };
}
