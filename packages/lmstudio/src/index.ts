/** LM Studio's way in: it bundles this file and calls `main`. */
import type { PluginContext } from "@lmstudio/sdk";
import { makeAgentsRunnable } from "./agents.js";
import { Chats } from "./chat.js";
import { hostGone } from "./host.js";
import { makePreprocessor } from "./preprocessor.js";
import { schematics } from "./schematics.js";
import { makeToolsProvider } from "./tools-provider.js";

export async function main(context: PluginContext): Promise<void> {
	makeAgentsRunnable();
	const gone = hostGone();
	const chats = new Chats();
	gone.addEventListener("abort", () => void chats.close());
	context
		.withConfigSchematics(schematics)
		.withToolsProvider(makeToolsProvider(chats, gone))
		.withPromptPreprocessor(makePreprocessor(chats, gone));
}
