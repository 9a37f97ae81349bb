import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDockerDriver, dialect as dockerDialect } from "../../packages/computer/src/drivers/docker/index.js";
import { dockerStrategies, listCandidates, podmanStrategies } from "../../packages/computer/src/drivers/engine/candidates.js";
import type { Dialect } from "../../packages/computer/src/drivers/engine/dialect.js";
import { discoverEngine } from "../../packages/computer/src/drivers/engine/discovery.js";
import { parseEndpoint } from "../../packages/computer/src/drivers/engine/endpoint.js";
import { describeHost, findProgram } from "../../packages/computer/src/drivers/engine/host.js";
import { explainAbsence } from "../../packages/computer/src/drivers/engine/locate.js";
import { createPodmanDriver } from "../../packages/computer/src/drivers/podman/index.js";
import { DEADLINES } from "../../packages/computer/src/limits.js";

let home: string;
const servers: Server[] = [];

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "lms-home-"));
});

afterEach(() => {
	for (const server of servers.splice(0)) server.close();
	rmSync(home, { recursive: true });
});

const at = (path: string): string => join(home, path);
const candidate = (path: string) => ({ source: "known socket", endpoint: { kind: "socket" as const, path } });

function listen(path: string, server: Server): Promise<string> {
	mkdirSync(dirname(path), { recursive: true });
	servers.push(server);
	return new Promise((resolve) => server.listen(path, () => resolve(path)));
}

/** No engine: only what tells one engine from the other. */
const answering = (version: unknown): Server => createHttpServer((_, response) => response.end(JSON.stringify(version)));
const docker = { Version: "28.0.0", Components: [{ Name: "Engine" }] };
const podman = { Version: "5.0.0", Components: [{ Name: "Podman Engine" }] };

describe("places", () => {
	const places = async (strategies: typeof dockerStrategies, env: NodeJS.ProcessEnv, platform: NodeJS.Platform = "linux") => {
		const found = await listCandidates(strategies, describeHost({ env: { HOME: home, ...env }, platform }));
		return found.map(({ source, endpoint }) => (endpoint instanceof Error ? `${source}: ${endpoint.message}` : { source, ...endpoint }));
	};

	test("without PATH and HOME the password database knows the home", () => {
		expect(describeHost({ env: {} }).home).toBe(userInfo().homedir);
	});

	test("DOCKER_HOST comes first, then the context, then the known sockets", async () => {
		mkdirSync(at(".docker/contexts/meta"), { recursive: true });
		writeFileSync(at(".docker/config.json"), JSON.stringify({ currentContext: "far" }));
		const meta = at(`.docker/contexts/meta/${createHash("sha256").update("far").digest("hex")}`);
		mkdirSync(meta);
		writeFileSync(join(meta, "meta.json"), JSON.stringify({ Name: "far", Endpoints: { docker: { Host: "unix:///far.sock" } } }));
		mkdirSync(at(".colima/work"), { recursive: true });
		const found = await places(dockerStrategies, { DOCKER_HOST: "tcp://[::1]:2375", XDG_RUNTIME_DIR: "/rt" });
		expect(found.slice(0, 3)).toEqual([
			{ source: "DOCKER_HOST", kind: "tcp", host: "::1", port: 2375 },
			{ source: "docker context far", kind: "socket", path: "/far.sock" },
			{ source: "known socket", kind: "socket", path: "/var/run/docker.sock" },
		]);
		const paths = found.map((one) => (typeof one === "object" && one.kind === "socket" ? one.path : ""));
		expect(paths).toEqual(expect.arrayContaining([at(".colima/work/docker.sock"), at(".orbstack/run/docker.sock"), "/rt/docker.sock"]));
	});

	test("a strategy that fails says why and stops none of the others", async () => {
		const found = await places(dockerStrategies, { DOCKER_HOST: "ssh://box", DOCKER_CONTEXT: "lost" });
		expect(found[0]).toMatch(/^DOCKER_HOST: .*over ssh/);
		expect(found[1]).toMatch(/^docker context lost: ENOENT/);
		expect(found.length).toBeGreaterThan(5);
	});

	test("Podman: CONTAINER_HOST, the user's socket, the system's, the machines'", async () => {
		mkdirSync(at(".local/share/containers/podman/machine/applehv"), { recursive: true });
		const found = await places(podmanStrategies, { CONTAINER_HOST: "unix:///mine.sock", XDG_RUNTIME_DIR: "/rt" });
		const paths = found.map((one) => (typeof one === "object" && one.kind === "socket" ? one.path : ""));
		expect(paths.slice(0, 2)).toEqual(["/mine.sock", "/rt/podman/podman.sock"]);
		expect(paths).toContain("/run/podman/podman.sock");
		expect(paths).toContain(at(".local/share/containers/podman/machine/applehv/podman.sock"));
	});

	test("Windows has pipes and no sockets", async () => {
		const found = await places([...dockerStrategies, ...podmanStrategies], {}, "win32");
		expect(found.map((one) => (typeof one === "object" && one.kind === "socket" ? one.path : one))).toEqual([
			"//./pipe/docker_engine",
			"//./pipe/dockerDesktopLinuxEngine",
			"//./pipe/podman-machine-default",
		]);
	});

	test.each(["", "docker.sock", "unix://", "ftp://x", "tcp://"])("%j is no address", (text) => {
		expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
	});
});

describe("asking", () => {
	test("every failure has its reason, in the order of the places", async () => {
		// A socket whose owner is gone: Node removes the name when it closes, but not one that was changed.
		const stale = await listen(at("stale.tmp"), createServer());
		renameSync(stale, at("stale.sock"));
		servers.pop()?.close();
		await listen(at("web.sock"), answering({ hello: "world" }));
		await listen(
			at("text.sock"),
			createServer((socket) => socket.end("SSH-2.0\r\n")),
		);
		await listen(at("podman.sock"), answering(podman));
		const names = ["none.sock", "stale.sock", "web.sock", "text.sock", "podman.sock"];
		const answer = await discoverEngine(
			names.map((name) => candidate(at(name))),
			"docker",
		);
		expect(answer).toEqual({
			found: undefined,
			tried: [
				{ endpoint: at("none.sock"), reason: "no such socket" },
				{ endpoint: at("stale.sock"), reason: "nobody listens on it" },
				{ endpoint: at("web.sock"), reason: "something answers, but it is no container engine" },
				{ endpoint: at("text.sock"), reason: expect.stringMatching(/parse error/i) },
				{ endpoint: at("podman.sock"), reason: "this is podman 5.0.0, which the podman driver uses" },
			],
			silent: false,
		});
	});

	test("each engine is found at the other's places", async () => {
		await listen(at("a.sock"), answering(podman));
		await listen(at("b.sock"), answering(docker));
		const places = [candidate(at("a.sock")), candidate(at("b.sock"))];
		expect(await discoverEngine(places, "docker")).toMatchObject({ found: { version: "28.0.0", endpoint: { path: at("b.sock") } } });
		expect(await discoverEngine(places, "podman")).toMatchObject({ found: { version: "5.0.0", endpoint: { path: at("a.sock") } } });
	});

	test("the header of a ping tells as much, and costs Podman nothing", async () => {
		const header = (server: string): Server => createHttpServer((_, response) => response.setHeader("server", server).end("OK"));
		await listen(at("a.sock"), header("Libpod/4.3.1 (linux)"));
		await listen(at("b.sock"), header("Docker/20.10.24+dfsg1 (linux)"));
		const places = [candidate(at("a.sock")), candidate(at("b.sock"))];
		expect(await discoverEngine(places, "docker")).toMatchObject({
			found: { version: "20.10.24+dfsg1", endpoint: { path: at("b.sock") } },
		});
		expect(await discoverEngine(places, "podman")).toMatchObject({ found: { version: "4.3.1", endpoint: { path: at("a.sock") } } });
	});

	test("one that the user names and that does not answer has no other in its place, unless it is of the other kind", async () => {
		await listen(at("docker.sock"), answering(docker));
		await listen(at("podman.sock"), answering(podman));
		const names = (path: string) => ({ ...candidate(at(path)), source: "DOCKER_HOST", named: "docker" as const });
		const found = { found: { endpoint: { path: at("docker.sock") } } };
		expect(await discoverEngine([names("none.sock"), candidate(at("docker.sock"))], "docker")).toEqual({
			found: undefined,
			tried: [{ endpoint: `DOCKER_HOST (${at("none.sock")})`, reason: "no such socket" }],
			silent: true,
		});
		expect(await discoverEngine([names("podman.sock"), candidate(at("docker.sock"))], "docker")).toMatchObject(found);
		expect(await discoverEngine([names("none.sock"), candidate(at("podman.sock"))], "podman")).toMatchObject({
			found: { endpoint: { path: at("podman.sock") } },
		});
	});

	test("one that hangs costs the deadline of one ping, and nothing when it comes later in the order", async () => {
		await listen(at("hangs.sock"), createServer());
		await listen(at("works.sock"), answering(docker));
		// Deadlines come when they are told to, so that whatever waits for one that it does not need waits for ever.
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		try {
			expect((await discoverEngine([candidate(at("works.sock")), candidate(at("hangs.sock"))], "docker")).found).toBeDefined();
			const hanging = discoverEngine([candidate(at("hangs.sock")), candidate(at("hangs.sock"))], "docker");
			vi.advanceTimersByTime(DEADLINES.probeMs);
			expect(await hanging).toMatchObject({ tried: [{ reason: `no answer within ${DEADLINES.probeMs} ms` }, {}] });
		} finally {
			vi.useRealTimers();
		}
	});

	test("an abort ends it at once", async () => {
		await listen(at("hangs.sock"), createServer());
		const controller = new AbortController();
		setTimeout(() => controller.abort(), 50);
		await expect(discoverEngine([candidate(at("hangs.sock"))], "docker", controller.signal)).rejects.toThrow(/abort/i);
	});
});

describe("the engine that the user names", () => {
	test("is the usual one where it would be found without a name, too", async () => {
		const [usual, other] = [at("podman/podman.sock"), at("other.sock")];
		for (const path of [usual, other]) await listen(path, answering(podman));
		const named = (path?: string) =>
			createPodmanDriver({
				platform: "linux",
				env: { HOME: home, XDG_RUNTIME_DIR: home, ...(path && { CONTAINER_HOST: `unix://${path}` }) },
			});
		expect(await named().isUsual()).toBe(true);
		expect(await named(usual).isUsual()).toBe(true);
		expect(await named(other).isUsual()).toBe(false);
	});
});

describe("a probe", () => {
	test("of a place where nothing is says so and does not throw", async () => {
		const driver = createDockerDriver({ endpoint: `unix://${at("none.sock")}`, env: {} });
		const availability = await driver.probe();
		expect(availability).toMatchObject({ usable: false, tried: [{ reason: "no such socket" }] });
		expect(availability.usable ? "" : availability.hint).not.toBe("");
		await expect(driver.list()).rejects.toMatchObject({ code: "driver_unavailable", context: { driver: "docker", tried: [{}] } });
	});

	test("of a socket without a listener says to start the engine", async () => {
		const path = await listen(at("x.tmp"), createServer());
		renameSync(path, at("x.sock"));
		servers.pop()?.close();
		const availability = await createDockerDriver({ endpoint: at("x.sock"), env: {}, platform: "linux" }).probe();
		expect(availability).toMatchObject({
			usable: false,
			reason: expect.stringContaining("nobody listens"),
			hint: expect.stringContaining("systemctl start docker"),
		});
	});

	test("of an engine that is named and does not answer says so, and asks no other", async () => {
		await listen(at(".docker/run/docker.sock"), answering(docker));
		const env = { HOME: home, DOCKER_HOST: `unix://${at("none.sock")}` };
		expect(await createDockerDriver({ env, platform: "linux" }).probe()).toMatchObject({
			usable: false,
			reason: expect.stringContaining(`DOCKER_HOST (${at("none.sock")}): no such socket`),
			hint: expect.stringContaining("name another one"),
			tried: [{}],
		});
	});

	test("of nonsense does not throw either", async () => {
		expect(await createDockerDriver({ endpoint: "nonsense" }).probe()).toMatchObject({
			usable: false,
			reason: expect.stringContaining("nonsense"),
		});
	});

	test("tells a socket that may not be opened from an engine that is not installed", async () => {
		const dialect = {
			name: "no-such-program",
			product: "Podman",
			installHint: "install it",
			startHint: () => "start it",
		} as unknown as Dialect;
		const host = describeHost({ env: {}, platform: "linux" });
		const absent = { endpoint: "/a.sock", reason: "no such socket" };
		const denied = explainAbsence(dialect, host, [absent, { endpoint: "/b.sock", reason: "permission denied" }]);
		expect(denied).toMatchObject({
			reason: expect.stringContaining("/b.sock may not be opened"),
			hint: expect.stringContaining("usermod"),
		});
		expect(explainAbsence(dialect, host, [absent])).toMatchObject({ reason: expect.stringContaining("not installed"), hint: "install it" });
		expect(explainAbsence(dialect, host, [{ endpoint: "/var/run/docker.sock", reason: "permission denied" }]).hint).toBe("install it");
		const failed = { endpoint: "a service of our own", reason: "it did not start: words" };
		expect(explainAbsence(dialect, host, [absent, failed])).toMatchObject({ reason: "it did not start: words", hint: "start it" });
		const hung = explainAbsence(dialect, host, [absent, { endpoint: "/c.sock", reason: "no answer within 2000 ms" }]);
		expect(hung).toMatchObject({ reason: "Podman does not answer: /c.sock: no answer within 2000 ms", hint: "start it" });
	});

	test("on Windows an engine that is installed and does not run is told from none", async () => {
		// A file name here, and a path there.
		const directory = "C:\\Program Files\\Docker";
		const before = process.cwd();
		process.chdir(home);
		try {
			writeFileSync(`${directory}\\docker.exe`, "", { mode: 0o755 });
			const found = (path: string) => findProgram("docker", describeHost({ env: { PATH: path }, platform: "win32" }));
			expect(found(`C:\\Windows;${directory}`)).toBe(`${directory}\\docker.exe`);
			expect(found("C:\\Windows;relative")).toBeUndefined();
			const host = describeHost({ env: { PATH: directory }, platform: "win32" });
			const none = [{ endpoint: "//./pipe/docker_engine", reason: "no such socket" }];
			expect(explainAbsence(dockerDialect, host, none)).toMatchObject({
				reason: expect.stringContaining("is installed"),
				hint: expect.stringContaining("Start Docker Desktop"),
			});
		} finally {
			process.chdir(before);
		}
	});
});
