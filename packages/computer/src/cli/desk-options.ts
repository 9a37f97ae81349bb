/** What a server gives to its clients, from the flags. */
import { resolve } from "node:path";
import type { DeskOptions } from "../mcp/desk.js";
import { expectFolders } from "../options/folders.js";
import type { Context } from "./commands.js";
import { settingsFor } from "./open.js";

export async function deskOptions(context: Context): Promise<DeskOptions> {
	const { hostFolder = [], name, profile, session, skipConfirmation = false } = context.flags;
	const { maxOutputBytes, timeoutMs, ...settings } = await settingsFor(context);
	// What is shared to be read only is not written to by a download either.
	const shared = expectFolders("folders", settings.folders ?? []).flatMap(({ hostPath, readOnly }) => (readOnly ? [] : [hostPath]));
	return {
		computer: { ...settings, name },
		tools: {
			profile,
			session,
			strictSafety: !skipConfirmation,
			timeoutMs,
			maxOutputBytes,
			hostFolders: [...shared, ...hostFolder].map((folder) => resolve(folder)),
		},
	};
}
