import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";

/** For files by the ten thousand: in memory where there is room. A disk that is told of every block it gets back takes minutes to delete them. */
export const SCRATCH = roomInMemory() ? MEMORY : tmpdir();

function roomInMemory(): boolean {
	if (!existsSync(MEMORY)) return false;
	const { bavail, bsize } = statfsSync(MEMORY);
	return bavail * bsize > 2 * 1024 ** 3;
}
