/** What happens when the user sends a message, before the model sees it. */
import type { ChatMessage, PromptPreprocessor, PromptPreprocessorController } from "@lmstudio/sdk";
import { type Delivered, deliver } from "./attachments.js";
import type { Chat, Chats } from "./chat.js";
import { contextBlock } from "./context-block.js";
import { chosenContextTokens } from "./model-context.js";
import { observe } from "./observe.js";
import { readSettings, workingDirectory } from "./settings.js";

/** A shorter one is a "yes" or an "ok": the model knows its computer already. */
const MIN_MESSAGE = 5;

export function makePreprocessor(chats: Chats, gone: AbortSignal): PromptPreprocessor {
	return async (ctl, message) => {
		if (!message.isUserMessage()) return message;
		const settings = readSettings(ctl);
		const chat = chats.get(workingDirectory(ctl), settings);
		await chat.learnContext(() => chosenContextTokens(ctl));
		chat.newTurn();
		const signal = AbortSignal.any([ctl.abortSignal, gone]);
		const text = message.getText();
		const delivered = await attachments(ctl, message, chat, signal);
		const wanted = settings.injectContext && text.trim().length >= MIN_MESSAGE;
		const block = contextBlock(wanted ? await observe(chat, signal) : undefined, delivered);
		ctl.guardAbort();
		return block === "" ? message : `${block}\n\n${text}`;
	};
}

/** Starts the computer, which only files are a reason for: else it starts when the model first needs it. */
async function attachments(
	ctl: PromptPreprocessorController,
	message: ChatMessage,
	chat: Chat,
	signal: AbortSignal,
): Promise<readonly Delivered[]> {
	const files = message.getFiles(ctl.client);
	if (!chat.settings.attachments || files.length === 0) return [];
	const status = ctl.createStatus({ status: "loading", text: "Copying the attached files to the computer" });
	const options = { signal, onStatus: (text: string) => status.setState({ status: "loading", text }) };
	const delivered = await chat
		.withComputer(options, (open) => deliver(files, open, options))
		.catch((error: unknown) => {
			status.setState({ status: "canceled", text: "The attached files were not copied to the computer" });
			throw error;
		});
	const failed = delivered.filter((one) => "error" in one).length;
	const count = (number: number) => `${number} attached ${number === 1 ? "file" : "files"}`;
	status.setState(
		failed === 0
			? { status: "done", text: `${count(delivered.length)} copied to the computer` }
			: { status: "error", text: `${count(failed)} could not be copied to the computer` },
	);
	return delivered;
}
