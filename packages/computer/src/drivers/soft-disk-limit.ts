/** What a disk limit is worth where no file system keeps it. */
import { DEFAULTS } from "../limits.js";

/** The default one is everybody's, and the capabilities tell of it: no news on every computer. */
export function softDiskLimit(bytes: number): readonly string[] {
	if (bytes === 0 || bytes === DEFAULTS.diskBytes) return [];
	const mebibytes = Math.round(bytes / (1024 * 1024));
	return [
		`The disk limit of ${mebibytes} MiB is not kept by the file system here: past it file requests are refused, but commands can write more.`,
	];
}
