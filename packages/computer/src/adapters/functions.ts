/** The toolbox's tools in the shapes that other libraries run. None of them is imported: what they take is plain data. */
import type { ObjectSchema, Toolbox } from "../tools/index.js";

export interface FunctionTool {
	readonly type: "function";
	readonly function: {
		readonly name: string;
		readonly description: string;
		readonly parameters: Record<string, unknown>;
		/** The arguments as the model wrote them, JSON or what it took for that. */
		readonly function: (args: string) => Promise<string>;
	};
}

/** For `runTools` of the openai package, and, without `function`, for `tools` of every server that speaks as OpenAI's does. */
export function openaiTools(toolbox: Toolbox): FunctionTool[] {
	return toolbox.tools.map(({ name, description, input }) => ({
		type: "function",
		function: {
			name,
			description,
			parameters: { ...input },
			function: async (args) => (await toolbox.call(name, args)).text,
		},
	}));
}

interface AiTool<S> {
	readonly description: string;
	readonly inputSchema: S;
	readonly execute: (args: unknown, options: { readonly abortSignal?: AbortSignal | undefined }) => Promise<string>;
}

/**
 * For `tools` of the Vercel AI SDK's generateText, streamText and agents.
 * @param jsonSchema the function of that name in the package `ai`
 */
export function aiTools<S>(toolbox: Toolbox, jsonSchema: (schema: ObjectSchema) => S): Record<string, AiTool<S>> {
	const entries = toolbox.tools.map(({ name, description, input }) => {
		const execute: AiTool<S>["execute"] = async (args, { abortSignal }) => (await toolbox.call(name, args, { signal: abortSignal })).text;
		return [name, { description, inputSchema: jsonSchema(input), execute }] as const;
	});
	return Object.fromEntries(entries);
}
