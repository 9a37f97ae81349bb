/** Where a driver without an engine keeps its machines on this host. */
import { isAbsolute, join } from "node:path";
import { homeFolder } from "../home.js";

export interface StateHost {
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly uid: number;
	readonly home: string;
}

/** LMS_COMPUTER_STATE_DIR; else /var/lib/lms-computer for root; else below XDG_STATE_HOME or ~/.local/state. Works with an empty environment. */
export function stateDirectory(host: StateHost = thisHost()): string {
	const chosen = host.env["LMS_COMPUTER_STATE_DIR"];
	if (chosen && isAbsolute(chosen)) return chosen;
	if (host.uid === 0) return "/var/lib/lms-computer";
	const xdg = host.env["XDG_STATE_HOME"];
	// The specification of XDG directories: a relative path is to be ignored.
	return join(xdg && isAbsolute(xdg) ? xdg : join(host.home, ".local/state"), "lms-computer");
}

function thisHost(): StateHost {
	return { env: process.env, uid: process.getuid?.() ?? -1, home: homeFolder() };
}
