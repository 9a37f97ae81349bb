/** The user's home folder, for a user who may be in no password database: a container's random one, or that of a CI job. */
import { userInfo } from "node:os";

/** The password database's, not HOME: hosts of plugins strip the environment. HOME and its like count where that knows no such user. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
	return homeFromDatabase() || homeFromEnvironment(env) || "/";
}

/** As other programs see it: whoever sets HOME means it. */
export function homeAsSet(env: NodeJS.ProcessEnv = process.env): string {
	return homeFromEnvironment(env) || homeFromDatabase() || "/";
}

function homeFromEnvironment(env: NodeJS.ProcessEnv): string | undefined {
	return env["HOME"] || env["USERPROFILE"];
}

/** Node throws for a user who is not in it. */
function homeFromDatabase(): string | undefined {
	try {
		return userInfo().homedir;
	} catch {
		return undefined;
	}
}
