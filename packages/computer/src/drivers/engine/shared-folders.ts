/** Shared folders on the host. Nothing here reads what is in them. */
import { realpath, stat } from "node:fs/promises";
import type { SharedFolder } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";

/**
 * Before each start: is each folder still where it was? One guest may write a folder that holds what is shared with another; a symlink put
 * there would have the engine mount whatever it leads to. A guest that swaps it between this look and the mount can still win: a folder
 * inside of one that is shared for writing is only as safe as that guest.
 */
export async function checkFolders(folders: readonly SharedFolder[]): Promise<void> {
	await Promise.all(
		folders.map(async ({ hostPath }) => {
			const real = await realpath(hostPath).catch(() => undefined);
			if (real === hostPath && (await stat(real)).isDirectory()) return;
			const found = real === undefined ? "it is not there" : real === hostPath ? "it is no folder" : `it leads to ${real} now`;
			throw new ComputerError("invalid_argument", `The shared folder ${hostPath} was expected where it was; ${found}`, {
				hint: "Make the folder again, or make the computer anew with another one.",
				context: { argument: "folders", hostPath },
			});
		}),
	);
}
