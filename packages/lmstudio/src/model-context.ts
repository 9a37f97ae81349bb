/** How much the chat's model can hold: fewer tools and less output for a small one. A question that stays unanswered changes nothing. */
import type { LMStudioClient, PromptPreprocessorController } from "@lmstudio/sdk";

const WAIT_MS = 3_000;

/** A host that let one question stand is asked no more: each message would wait for it. */
let silent = false;

/** Of the model that this chat has chosen. */
export async function chosenContextTokens(ctl: PromptPreprocessorController): Promise<number | undefined> {
	return await soon(async () => {
		const source = await ctl.tokenSource();
		return "getContextLength" in source ? await source.getContextLength() : undefined;
	});
}

/** Of the one model that is loaded; with several nobody knows which it will be. */
export async function loadedContextTokens(client: LMStudioClient): Promise<number | undefined> {
	return await soon(async () => {
		const [model, ...others] = await client.llm.listLoaded();
		return others.length === 0 ? await model?.getContextLength() : undefined;
	});
}

async function soon(ask: () => Promise<number | undefined>): Promise<number | undefined> {
	if (silent) return undefined;
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<undefined>((resolve) => {
		timer = setTimeout(() => {
			silent = true;
			resolve(undefined);
		}, WAIT_MS);
	});
	try {
		return await Promise.race([ask(), late]);
	} catch {
		return undefined;
	} finally {
		clearTimeout(timer);
	}
}
