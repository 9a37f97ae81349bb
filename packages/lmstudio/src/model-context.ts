/** How much the chat's model can hold: fewer tools and less output for a small one. */
import type { LMStudioClient, PromptPreprocessorController } from "@lmstudio/sdk";

/** Of the model that this chat has chosen. */
export async function chosenContextTokens(ctl: PromptPreprocessorController): Promise<number | undefined> {
	const source = await ctl.tokenSource();
	return "getContextLength" in source ? await source.getContextLength() : undefined;
}

/** Of the one model that is loaded; with several nobody knows which it will be. */
export async function loadedContextTokens(client: LMStudioClient): Promise<number | undefined> {
	const [model, ...others] = await client.llm.listLoaded();
	return others.length === 0 ? await model?.getContextLength() : undefined;
}
