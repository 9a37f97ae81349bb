import { stat } from "node:fs/promises";

/** Another one whenever the file is another, or has been written; without one, why it can not be looked at. */
export async function fileVersion(path: string): Promise<string> {
	const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => error);
	return found instanceof Error ? (found.code ?? "?") : `${found.mtimeNs} ${found.ino} ${found.size}`;
}
