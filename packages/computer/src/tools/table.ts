/** Every tool there is, in the order in which a model sees them. */
import { execute } from "./execute.js";
import { readFile, writeFile } from "./files.js";
import type { Profile, Tool } from "./tool.js";

export const TOOLS: readonly Tool[] = [execute, writeFile, readFile];

export function toolsOf(profile: Profile): readonly Tool[] {
	return TOOLS.filter((tool) => tool.profiles.includes(profile));
}
