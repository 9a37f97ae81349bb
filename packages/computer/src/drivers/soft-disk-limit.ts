/** What a disk limit is worth where no file system keeps it. */
export function softDiskLimit(bytes: number): string {
	const mebibytes = Math.round(bytes / (1024 * 1024));
	return `The disk limit of ${mebibytes} MiB is not kept by the file system here: past it file requests are refused, but commands can write more.`;
}
