/** What a server gives to its clients, from the flags. */
import { resolve } from "node:path";
import { TOOL_BOUNDS } from "../limits.js";
import type { DeskOptions } from "../mcp/desk.js";
import { expectFolders } from "../options/folders.js";
import type { Context } from "./commands.js";
import { settingsFor } from "./open.js";

export async function deskOptions(context: Context): Promise<DeskOptions> {
	const { hostFolder = [], maxOutputBytes, name, profile, session, skipConfirmation = false, timeoutMs } = context.flags;
	// The environment and the file say these two for `exec`, whose results nobody puts into a model's context: of a server they hold when its own flag says so.
	const { maxOutputBytes: _, timeoutMs: __, ...settings } = await settingsFor(context);
	// What is shared to be read only is not written to by a download either.
	const shared = expectFolders("folders", settings.folders ?? []).flatMap(({ hostPath, readOnly }) => (readOnly ? [] : [hostPath]));
	return {
		computer: { ...settings, name },
		tools: {
			profile,
			session,
			strictSafety: !skipConfirmation,
			// None is as long as it gets: a call has its own end.
			timeoutMs: within(timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs, TOOL_BOUNDS.timeoutMs),
			maxOutputBytes: within(maxOutputBytes, TOOL_BOUNDS.maxOutputBytes),
			hostFolders: [...shared, ...hostFolder].map((folder) => resolve(folder)),
		},
	};
}

/** The flags are those of `exec`, which may go further. */
function within(value: number | undefined, { min, max }: { readonly min: number; readonly max: number }): number | undefined {
	return value === undefined ? undefined : Math.min(Math.max(value, min), max);
}
