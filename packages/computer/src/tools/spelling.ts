/** Names as models write them back: with plain spaces, and letters and their accents as one. macOS has others in the name of each screenshot. */
import { guestPath } from "./place.js";
import type { Arguments, ToolCall } from "./tool.js";

/** Parameters that name what is there already. */
const PATHS = ["path", "source", "containerPath", "directory", "workdir"];

export interface Respelled {
	readonly args: Arguments;
	/** For the model. */
	readonly note: string;
}

/** The same call with the one file or folder that is meant; undefined where there is none, or more. */
export async function respelled(call: ToolCall): Promise<Respelled | undefined> {
	const name = PATHS.find((key) => typeof call.args[key] === "string");
	if (name === undefined) return undefined;
	const path = (await guestPath(call, call.args[name] as string)).replace(/\/+$/, "");
	const at = path.lastIndexOf("/") + 1;
	if (at === 0) return undefined;
	const wanted = path.slice(at);
	const computer = await call.computer();
	const { entries } = await computer.files.list(path.slice(0, at), { signal: call.signal });
	const [found, ...others] = entries.filter((entry) => entry.nameBytes === undefined && plain(entry.name) === plain(wanted));
	if (found === undefined || others.length > 0 || found.name === wanted) return undefined;
	return {
		args: { ...call.args, [name]: found.path },
		note: `${name}: there is none of just that name; the one with other spaces or accents in its name was taken`,
	};
}

function plain(name: string): string {
	return name.normalize("NFKC").replace(/\s+/g, " ");
}
