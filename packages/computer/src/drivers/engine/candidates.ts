/** Every place where an engine may listen, as small strategies in order of preference. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Endpoint, parseEndpoint, type TlsMaterial } from "./endpoint.js";
import { type Host, runtimeDirectories, temporaryDirectory } from "./host.js";
import { matchPaths } from "./match-paths.js";

/** A place to try: an endpoint, or why the strategy has none. */
export interface Candidate {
	/** For people: `DOCKER_HOST`, `docker context colima`, `known socket`. */
	readonly source: string;
	readonly endpoint: Endpoint | Error;
	/** The user says that this one is the engine of that kind: while it does not answer, no other is in its place. */
	readonly named?: EngineKind;
}

export type EngineKind = "docker" | "podman";

export type Strategy = (host: Host) => Promise<readonly Candidate[]>;

export const dockerStrategies: readonly Strategy[] = [dockerHost, dockerContext, dockerSockets, dockerPipes];
export const podmanStrategies: readonly Strategy[] = [containerHost, podmanSockets, podmanMachines, podmanPipes];

/** Runs all strategies; the order of the result is the order of preference, each endpoint once. */
export async function listCandidates(strategies: readonly Strategy[], host: Host): Promise<readonly Candidate[]> {
	const found = (await Promise.all(strategies.map((strategy) => strategy(host)))).flat();
	const seen = new Set<string>();
	return found.filter(({ endpoint }) => {
		if (endpoint instanceof Error || endpoint.kind !== "socket") return true;
		return !seen.has(endpoint.path) && seen.add(endpoint.path);
	});
}

async function dockerHost({ env, home }: Host): Promise<readonly Candidate[]> {
	const text = env["DOCKER_HOST"];
	if (!text) return [];
	return [
		await named("docker", "DOCKER_HOST", async () => {
			const verify = Boolean(env["DOCKER_TLS_VERIFY"]);
			const secure = verify || Boolean(env["DOCKER_TLS"]);
			const directory = env["DOCKER_CERT_PATH"] || dockerConfigDirectory(env, home);
			return parseEndpoint(text, secure ? await readTls(directory, verify) : undefined);
		}),
	];
}

/** https://docs.docker.com/engine/manage-resources/contexts/: a context's directory is the SHA-256 of its name. */
async function dockerContext({ env, home }: Host): Promise<readonly Candidate[]> {
	const directory = dockerConfigDirectory(env, home);
	const config = await readJson(join(directory, "config.json")).catch(() => undefined);
	const name = env["DOCKER_CONTEXT"] || field(config, "currentContext");
	if (typeof name !== "string" || name === "" || name === "default") return [];
	return [
		await named("docker", `docker context ${name}`, async () => {
			const id = createHash("sha256").update(name).digest("hex");
			const meta = await readJson(join(directory, "contexts", "meta", id, "meta.json"));
			const docker = field(field(meta, "Endpoints"), "docker");
			const address = field(docker, "Host");
			if (typeof address !== "string") throw new Error("the context has no docker endpoint");
			const tls = await readTls(join(directory, "contexts", "tls", id, "docker"), field(docker, "SkipTLSVerify") !== true);
			return parseEndpoint(address, tls.ca || tls.cert ? tls : undefined);
		}),
	];
}

async function dockerSockets(host: Host): Promise<readonly Candidate[]> {
	if (host.platform === "win32") return [];
	return knownSockets([
		"/var/run/docker.sock",
		join(host.home, ".docker/run/docker.sock"),
		join(host.home, ".docker/desktop/docker.sock"),
		join(host.home, ".orbstack/run/docker.sock"),
		...(await matchPaths(join(host.home, ".colima/*/docker.sock"))),
		join(host.home, ".rd/docker.sock"),
		...(await matchPaths(join(host.home, ".lima/*/sock/*.sock"))),
		...runtimeDirectories(host).map((directory) => join(directory, "docker.sock")),
	]);
}

async function containerHost({ env }: Host): Promise<readonly Candidate[]> {
	const text = env["CONTAINER_HOST"];
	return text ? [await named("podman", "CONTAINER_HOST", async () => parseEndpoint(text))] : [];
}

async function podmanSockets(host: Host): Promise<readonly Candidate[]> {
	if (host.platform === "win32") return [];
	const own = runtimeDirectories(host).map((directory) => join(directory, "podman/podman.sock"));
	return knownSockets([...own, "/run/podman/podman.sock"]);
}

/** `podman machine` keeps its sockets in the data directory (older) or the temporary one (macOS since Podman 5). */
async function podmanMachines(host: Host): Promise<readonly Candidate[]> {
	if (host.platform === "win32") return [];
	const data = join(host.env["XDG_DATA_HOME"] || join(host.home, ".local/share"), "containers/podman/machine");
	const patterns = [join(data, "podman.sock"), join(data, "*/podman.sock"), join(data, "*/*/podman.sock")];
	if (host.platform === "darwin") {
		patterns.push(join(temporaryDirectory(host), "podman/*-api.sock"), "/var/folders/*/*/T/podman/*-api.sock");
	}
	return knownSockets((await Promise.all(patterns.map((pattern) => matchPaths(pattern)))).flat());
}

async function dockerPipes({ platform }: Host): Promise<readonly Candidate[]> {
	return platform === "win32" ? knownSockets(["//./pipe/docker_engine", "//./pipe/dockerDesktopLinuxEngine"]) : [];
}

async function podmanPipes({ platform }: Host): Promise<readonly Candidate[]> {
	return platform === "win32" ? knownSockets(["//./pipe/podman-machine-default"]) : [];
}

function knownSockets(paths: readonly string[]): readonly Candidate[] {
	return paths.map((path) => ({ source: "known socket", endpoint: { kind: "socket", path } }));
}

async function named(kind: EngineKind, source: string, find: () => Promise<Endpoint>): Promise<Candidate> {
	try {
		return { source, named: kind, endpoint: await find() };
	} catch (error) {
		return { source, named: kind, endpoint: error instanceof Error ? error : new Error(String(error)) };
	}
}

function dockerConfigDirectory(env: NodeJS.ProcessEnv, home: string): string {
	return env["DOCKER_CONFIG"] || join(home, ".docker");
}

async function readTls(directory: string, rejectUnauthorized: boolean): Promise<TlsMaterial> {
	const optional = (name: string): Promise<Buffer | undefined> => readFile(join(directory, name)).catch(() => undefined);
	const [ca, cert, key] = await Promise.all([optional("ca.pem"), optional("cert.pem"), optional("key.pem")]);
	return { ca, cert, key, rejectUnauthorized };
}

async function readJson(path: string): Promise<unknown> {
	return JSON.parse(await readFile(path, "utf8"));
}

function field(value: unknown, name: string): unknown {
	return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
