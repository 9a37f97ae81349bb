/** What came from the model is known to it: told again, it takes its context a second time. */
import type { Arguments } from "./tool.js";

/** Of one argument, as JSON. */
const MAX_ARGUMENT = 400;

export function brief(text: string, maxLength: number): string {
	return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}

/** For a call to make again: what is long is left for the model to fill in. */
export function briefly(args: Arguments): Arguments {
	return Object.fromEntries(
		Object.entries(args).map(([name, value]) => [name, (JSON.stringify(value)?.length ?? 0) > MAX_ARGUMENT ? "…" : value]),
	);
}
