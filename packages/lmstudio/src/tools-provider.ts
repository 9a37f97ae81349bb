/** The tools of a chat, as LM Studio wants them. They are JSON Schema already. */
import { rawFunctionTool, type Tool, type ToolsProvider, type ToolsProviderController } from "@lmstudio/sdk";
import type { Chats } from "./chat.js";
import { loadedContextTokens } from "./model-context.js";
import { readSettings, workingDirectory } from "./settings.js";

export function makeToolsProvider(chats: Chats, gone: AbortSignal): ToolsProvider {
	return async (ctl: ToolsProviderController): Promise<Tool[]> => {
		const settings = readSettings(ctl);
		const chat = chats.get(workingDirectory(ctl), settings);
		if (!chat.knowsContext) await chat.learnContext(() => loadedContextTokens(ctl.client));
		// An answer that is to be written anew has a session of its own, and the message is not preprocessed again.
		chat.newTurn();
		return chat.tools.map(({ name, description, input }) =>
			rawFunctionTool({
				name,
				description,
				parametersJsonSchema: input,
				implementation: async (args, context) => {
					const signal = AbortSignal.any([context.signal, ctl.abortSignal, gone]);
					const onStatus = (text: string) => context.status(text);
					const { text } = await chat.call(name, args, { signal, onStatus, onNotice: (notice) => context.warn(notice) });
					return text;
				},
			}),
		);
	};
}
