/** Where the files of this package are. The one module that knows how deep it lies: the bundle of the command line is as deep as it. */
import { fileURLToPath } from "node:url";

/** @param path below the package's root */
export function packageFile(path: string): string {
	return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
