import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import net, { type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex, PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import tls from "node:tls";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Refusal, Wanted } from "../../packages/computer/src/agent/egress.js";
import { Authority } from "../../packages/computer/src/egress/authority.js";
import { Gateway } from "../../packages/computer/src/egress/gateway.js";
import type { EgressDecision } from "../../packages/computer/src/egress/policy.js";
import { expectRules } from "../../packages/computer/src/egress/rules.js";
import { expectSecrets } from "../../packages/computer/src/egress/secrets.js";

/** The gateway alone, with a resolver that leads where a test wants: every name of these tests is made up. */
const SITE = "site.test";
const VALUE = "s3cr3t-value-of-the-test";

const PACK = new Map<string, (text: string) => Buffer>([
	["gzip", gzipSync],
	["x-gzip", gzipSync],
	["deflate", deflateSync],
	["br", brotliCompressSync],
]);

let directory: string;
let ours: Authority;
let theirs: Authority;
const servers: net.Server[] = [];
let web: number;
let secure: number;
let echo: number;
const seen: IncomingMessage[] = [];

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), "lms-egress-"));
	[ours, theirs] = await Promise.all([Authority.open(join(directory, "ours.pem")), Authority.open(join(directory, "theirs.pem"))]);
	// Read once, when the first secret goes out.
	process.env["SSL_CERT_FILE"] = join(directory, "trust.pem");
	await writeFile(process.env["SSL_CERT_FILE"], theirs.certificate);
	const answer: http.RequestListener = async (request, response) => {
		seen.push(request);
		const body = await buffer(request);
		if (request.url === "/phrase") response.statusMessage = `not with ${request.headers.authorization}`;
		const packed = /^\/packed\/(.*)/.exec(request.url ?? "")?.[1];
		if (packed !== undefined) {
			const encoding = decodeURIComponent(packed);
			const text = `your key is ${request.headers.authorization}`;
			return void response.setHeader("content-encoding", encoding).end((PACK.get(encoding) ?? Buffer.from)(text));
		}
		response.setHeader("x-echo", request.headers.authorization ?? "none");
		response.end(`${request.method} ${request.url} ${request.headers.host} ${request.headers.authorization ?? ""} ${body}`);
	};
	const plain = http.createServer(answer);
	plain.on("upgrade", (_request, socket) => {
		socket.on("error", () => {});
		socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
		socket.pipe(socket);
	});
	web = await listen(plain);
	const context = async (name: string) => theirs.contextFor(name);
	secure = await listen(https.createServer({ SNICallback: (name, done) => void context(name).then((made) => done(null, made)) }, answer));
	echo = await listen(net.createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {}).pipe(socket)));
});

afterAll(async () => {
	for (const server of servers) {
		(server as http.Server).closeAllConnections?.();
		server.close();
	}
	await rm(directory, { recursive: true });
});

async function listen(server: net.Server): Promise<number> {
	servers.push(server);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return (server.address() as AddressInfo).port;
}

interface Setting {
	readonly rules: readonly string[];
	readonly secrets?: readonly object[];
	/** Where every name leads, one answer for each time it is asked; the last one stays. */
	readonly leads?: readonly string[][];
	readonly authority?: () => Promise<Authority>;
}

function start({ rules, secrets = [], leads = [["127.0.0.1"]], authority = async () => ours }: Setting) {
	let policy = { rules: expectRules("rules", rules), secrets: expectSecrets("secrets", secrets) };
	const decisions: EgressDecision[] = [];
	const asked: string[] = [];
	const lookup = async (name: string) => {
		asked.push(name);
		return leads[Math.min(asked.length, leads.length) - 1] ?? [];
	};
	const gateway = new Gateway({
		computer: "box",
		policy: async () => policy,
		authority,
		onDecision: (one) => decisions.push(one),
		lookup,
	});
	const change = (next: readonly string[]) => {
		policy = { ...policy, rules: expectRules("rules", next) };
		return gateway.recheck();
	};
	return { gateway, decisions, asked, change };
}

type Outcome = { readonly refused: Refusal } | { readonly passed: true } | { readonly client: Socket };

/** What a program in the machine would get. */
async function ask(gateway: Gateway, via: Wanted["via"], host = "", port = 0): Promise<Outcome> {
	const server = net.createServer({ allowHalfOpen: true });
	servers.push(server);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const client = net.connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
	client.on("error", () => {});
	const [there] = (await once(server, "connection")) as [Socket];
	server.close();
	return await new Promise((resolve) => {
		gateway.serve({
			via,
			host,
			port,
			take: () => {},
			pass: () => resolve({ passed: true }),
			refuse: (refused) => resolve({ refused }),
			accept: async () => {
				resolve({ client });
				return there;
			},
		});
	});
}

function client(outcome: Outcome): Socket {
	if ("client" in outcome) return outcome.client;
	throw new Error(`expected a connection, got ${JSON.stringify(outcome)}`);
}

async function exchange(outcome: Outcome, send: string): Promise<string> {
	const socket = client(outcome);
	socket.write(send);
	return String(await buffer(socket));
}

const get = (host: string, path = "/") => `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;

describe("what is allowed", () => {
	test("bytes both ways, and the end of one side is not the end of the other", async () => {
		const { gateway, decisions } = start({ rules: [`${SITE}:${echo}`, `127.0.0.1:${echo}`] });
		const socket = client(await ask(gateway, "connect", SITE.toUpperCase(), echo));
		const bytes = Buffer.alloc(3_000_000, "\0 whatever");
		socket.end(bytes);
		expect(Buffer.compare(await buffer(socket), bytes)).toBe(0);
		expect(decisions).toMatchObject([{ allowed: true, target: `${SITE}:${echo}`, rule: `${SITE}:${echo}` }]);
	});

	test("requests to a proxy, each decided for itself", async () => {
		const { gateway, decisions } = start({ rules: [`${SITE}:${web}`, `127.0.0.1:${web}`] });
		const where = `${SITE}:${web}`;
		const text = await exchange(
			await ask(gateway, "http"),
			`POST http://${where}/a?b HTTP/1.1\r\nHost: ${where}\r\nProxy-Authorization: Basic eDp5\r\ncontent-length: 3\r\n\r\nabc` +
				`POST http://${where}/c HTTP/1.1\r\nHost: ${where}\r\ntransfer-encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n` +
				`GET http://other.test/d HTTP/1.1\r\nHost: other.test\r\nconnection: close\r\n\r\n`,
		);
		expect(text).toContain(`POST /a?b ${where}  abc`);
		expect(text).toContain(`POST /c ${where}  xyz`);
		expect(text).toMatch(/HTTP\/1\.1 403 Not allowed: lms-computer network allow other\.test:80 --name box\r\n/);
		expect(decisions.map(({ allowed, target }) => `${allowed} ${target}`).sort()).toEqual([
			"false other.test:80",
			`true ${where}`,
			`true ${where}`,
		]);
		expect(seen.at(-1)?.headers["proxy-authorization"]).toBeUndefined();
	});

	test("stays so while a rule says so, and ends with the rule", async () => {
		const { gateway, decisions, change } = start({ rules: [`127.0.0.1:${echo}`] });
		const socket = client(await ask(gateway, "connect", "127.0.0.1", echo));
		const came = once(socket, "data");
		socket.write("\0 1");
		await came;
		await change([`127.0.0.1:${echo}`, "other.test"]);
		const again = once(socket, "data");
		socket.write("\0 2");
		await again;
		await change(["other.test"]);
		await once(socket, "end");
		expect(decisions.map(({ allowed }) => allowed)).toEqual([true, false]);
	});

	test("a WebSocket", async () => {
		const { gateway } = start({ rules: [`${SITE}:${web}`, `127.0.0.1:${web}`] });
		const socket = client(await ask(gateway, "connect", SITE, web));
		socket.write(`GET /s HTTP/1.1\r\nhost: ${SITE}:${web}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`);
		let text = "";
		socket.on("data", (chunk) => {
			if (text === "") socket.write("ping through it");
			text += chunk;
			if (text.includes("ping through it")) socket.destroy();
		});
		await once(socket, "close");
		expect(text).toMatch(/^HTTP\/1\.1 101 [\s\S]*ping through it$/);
	});

	test("a WebSocket through the proxy, which ends with its rule as well", async () => {
		const { gateway, decisions, change } = start({ rules: [`${SITE}:${web}`, `127.0.0.1:${web}`] });
		const socket = client(await ask(gateway, "http"));
		const where = `${SITE}:${web}`;
		socket.write(`GET http://${where}/s HTTP/1.1\r\nhost: ${where}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`);
		await once(socket, "data");
		await change([`127.0.0.1:${web}`]);
		socket.resume();
		await once(socket, "end");
		expect(decisions.map(({ allowed }) => allowed)).toEqual([true, false]);
	});
});

describe("what is refused", () => {
	const open = { rules: ["*:*"] };
	test.each([
		["a name that leads to the loopback", { rules: ["*:*"], leads: [["127.0.0.1"]] }, SITE],
		["a name that leads to a private network", { rules: [`${SITE}:*`], leads: [["10.0.0.1", "fd00::1"]] }, SITE],
		["a name that leads to a mapped address", { rules: [`${SITE}:*`], leads: [["::ffff:127.0.0.1"]] }, SITE],
		["the host itself", { rules: ["*:*"], leads: [["127.0.0.1"]] }, "localhost"],
		["an address in hexadecimal", open, "0x7f.1"],
		["an address as one number", open, "2130706433"],
		["an address in octal", open, "0177.0.0.1"],
		["a short address", open, "127.1"],
		["a mapped address", open, "::ffff:127.0.0.1"],
		["a mapped address in hexadecimal", open, "::ffff:7f00:1"],
		["the loopback of IPv6", open, "::1"],
		["an address with a zone", open, "fe80::1%lo"],
		["a cloud's metadata", open, "169.254.169.254"],
		["a cloud's metadata, around which a rule is", { rules: ["169.254.0.0/16:*"] }, "169.254.169.254"],
		["the loopback with a dot at the end", open, "127.0.0.1."],
		["a name with a dot at the end, not on the list", { rules: ["other.test:*"] }, `${SITE}.`],
		["a name with bytes of its own", { rules: [`${SITE}:*`] }, `${SITE}\0.other.test`],
		["a name in brackets", open, `[${SITE}]`],
		["what is more than a name", open, `user@${SITE}`],
	] satisfies [string, Setting, string][])("%s", async (_, setting, host) => {
		const { gateway, decisions } = start(setting);
		for (const via of ["connect", "socks"] as const) {
			expect(await ask(gateway, via, host, web)).toMatchObject({
				refused: { status: 403, text: expect.stringContaining("Refused by lms-computer") },
			});
		}
		const text = await exchange(
			await ask(gateway, "http"),
			`GET http://${host.includes("::") ? `[${host}]` : host}:${web}/ HTTP/1.1\r\nhost: x\r\n\r\n`,
		);
		expect(text).toMatch(/^HTTP\/1\.1 40[03] /);
		expect(decisions.filter(({ allowed }) => allowed)).toEqual([]);
	});

	test("a name that leads elsewhere the second time: it is asked once, and dialed where that led", async () => {
		const { gateway, asked } = start({ rules: [`${SITE}:${web}`, `127.0.0.1:${web}`], leads: [["127.0.0.1"], ["10.255.255.1"]] });
		expect(await exchange(await ask(gateway, "socks", SITE, web), get(`${SITE}:${web}`))).toContain(`GET / ${SITE}:${web}`);
		expect(asked).toEqual([SITE]);
	});

	test("TLS for another name than the connection is for", async () => {
		const { gateway, decisions } = start({ rules: [`${SITE}:${secure}`, `127.0.0.1:${secure}`] });
		const inside = async (servername: string) => {
			const socket = tls.connect({ socket: client(await ask(gateway, "connect", SITE, secure)), servername, ca: theirs.certificate });
			return await new Promise<string>((resolve) => {
				socket.once("secureConnect", () => resolve("connected"));
				socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
			});
		};
		expect(await inside(SITE)).toBe("connected");
		expect(await inside("other.test")).toMatch(/ACCESS_DENIED/);
		expect(decisions.at(-1)).toMatchObject({ allowed: false, target: `${SITE}:${secure}`, reason: expect.stringContaining("other.test") });
	});

	describe("a second hello, which a server asks for that wants another group", () => {
		const names: string[] = [];
		const choosy = async () =>
			await listen(
				tls.createServer(
					{
						ecdhCurve: "secp384r1",
						SNICallback: (name, done) => {
							names.push(name);
							void theirs.contextFor(name).then((made) => done(null, made));
						},
					},
					(socket) => socket.on("error", () => {}).end("served"),
				),
			);
		const connected = async (port: number) => {
			const { gateway, decisions } = start({ rules: [`${SITE}:${port}`, `127.0.0.1:${port}`] });
			return { socket: client(await ask(gateway, "connect", SITE, port)), decisions };
		};
		/** What a client says first, which has no key for that group. */
		const hello = async (servername: string) => {
			const there = new PassThrough();
			const socket = tls.connect({
				socket: Duplex.from({ readable: new PassThrough(), writable: there }) as Socket,
				servername,
				ecdhCurve: "X25519:secp384r1",
			});
			socket.on("error", () => {});
			const [bytes] = (await once(there, "data")) as [Buffer];
			socket.destroy();
			return bytes;
		};

		test("with the same name goes through", async () => {
			const { socket } = await connected(await choosy());
			const inside = tls.connect({ socket, servername: SITE, ca: theirs.certificate, ecdhCurve: "X25519:secp384r1" });
			expect(String(await buffer(inside))).toBe("served");
		});

		test.each([
			["after the server asked", true],
			["before it could", false],
		])("with another name does not, %s", async (_, waits) => {
			names.length = 0;
			const { socket, decisions } = await connected(await choosy());
			socket.write(await hello(SITE));
			if (waits) await once(socket, "data");
			// As a client does that wants to look like TLS 1.2: change of cipher.
			socket.write(Buffer.concat([Buffer.from([20, 3, 3, 0, 1, 1]), await hello("other.test")]));
			await buffer(socket).catch(() => {});
			expect(names).not.toContain("other.test");
			expect(decisions.at(-1)).toMatchObject({ allowed: false, reason: expect.stringContaining("other.test") });
		});
	});

	test.each([
		["another host", get("other.test")],
		["two hosts", `GET / HTTP/1.1\r\nhost: ${SITE}\r\nhost: other.test\r\nconnection: close\r\n\r\n`],
		["another host in the address", `GET http://other.test/ HTTP/1.1\r\nhost: ${SITE}\r\nconnection: close\r\n\r\n`],
		["no host", "GET / HTTP/1.0\r\n\r\n"],
		["another host, and blanks before", `\r\n\r\n${get("other.test")}`],
		["another host, in the second request", `GET / HTTP/1.1\r\nhost: HOST\r\n\r\n${get("other.test")}`],
	])("HTTP inside a connection for %s", async (_, send) => {
		const { gateway, decisions } = start({ rules: [`${SITE}:${web}`, `127.0.0.1:${web}`] });
		const before = seen.length;
		const text = await exchange(await ask(gateway, "connect", SITE, web), send.replace("HOST", `${SITE}:${web}`));
		expect(text).toMatch(/HTTP\/1\.1 403 Refused: the connection is to/);
		expect(decisions.some(({ allowed }) => !allowed)).toBe(true);
		expect(seen.slice(before).every(({ headers }) => headers.host === `${SITE}:${web}`)).toBe(true);
	});

	test("a request to a proxy whose Host is another", async () => {
		const { gateway } = start({ rules: [`${SITE}:${web}`, `127.0.0.1:${web}`] });
		expect(
			await exchange(await ask(gateway, "http"), `GET http://${SITE}:${web}/ HTTP/1.1\r\nhost: other.test\r\nconnection: close\r\n\r\n`),
		).toMatch(/^HTTP\/1\.1 403 /);
	});

	test("a request that servers would read in two ways", async () => {
		const { gateway } = start({ rules: [`${SITE}:${web}`, `127.0.0.1:${web}`] });
		const before = seen.length;
		const smuggled = `POST http://${SITE}:${web}/ HTTP/1.1\r\nhost: ${SITE}:${web}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${get("other.test")}`;
		expect(await exchange(await ask(gateway, "http"), smuggled)).toMatch(/^HTTP\/1\.1 400 /);
		expect(seen.length).toBe(before);
	});

	test("what cannot be reached is said so, and is no refusal", async () => {
		const closed = net.createServer();
		const port = await listen(closed);
		closed.close();
		const { gateway } = start({ rules: [`127.0.0.1:${port}`, "gone.test"], leads: [[]] });
		expect(await ask(gateway, "connect", "127.0.0.1", port)).toMatchObject({
			refused: { status: 502, reason: expect.stringContaining("ECONNREFUSED") },
		});
		expect(await ask(gateway, "connect", "gone.test", 443)).toMatchObject({ refused: { status: 502 } });
	});
});

describe("a secret", () => {
	const setting = () => ({
		rules: [`${SITE}:${secure}`, `127.0.0.1:${secure}`, `127.0.0.1:${web}`, `${SITE}:${web}`],
		secrets: [{ name: "TOKEN", host: `${SITE}:${secure}`, value: VALUE }],
	});
	const through = async (gateway: Gateway, send: string, servername = SITE, ca = ours.certificate) => {
		const socket = tls.connect({ socket: client(await ask(gateway, "connect", SITE, secure)), servername, ca });
		socket.on("error", () => {});
		socket.write(send);
		return String(await buffer(socket).catch((error) => error.message));
	};

	test("is put in for its host, and taken out of the answer", async () => {
		const { gateway, decisions } = start(setting());
		const text = await through(
			gateway,
			`GET /x HTTP/1.1\r\nhost: ${SITE}:${secure}\r\nAuthorization: Bearer set-by-lms-computer\r\nconnection: close\r\n\r\n`,
		);
		expect(seen.at(-1)?.headers.authorization).toBe(`Bearer ${VALUE}`);
		expect(text).toContain(`GET /x ${SITE}:${secure} Bearer ${"*".repeat(VALUE.length)}`);
		expect(text).not.toContain(VALUE);
		expect(decisions).toMatchObject([{ allowed: true, secrets: ["TOKEN"] }]);
	});

	test.each([
		["a refused WebSocket", "/x", "connection: Upgrade\r\nupgrade: websocket\r\n", /^HTTP\/1\.1 200 OK\r\n/],
		["the reason phrase", "/phrase", "connection: close\r\n", /^HTTP\/1\.1 200 not with Bearer \*+\r\n/],
		[
			"a refused WebSocket's reason phrase",
			"/phrase",
			"connection: Upgrade\r\nupgrade: websocket\r\n",
			/^HTTP\/1\.1 200 not with Bearer \*+\r\n/,
		],
	])("is taken out of %s", async (_what, path, headers, begins) => {
		const { gateway } = start(setting());
		const text = await through(gateway, `GET ${path} HTTP/1.1\r\nhost: ${SITE}:${secure}\r\n${headers}\r\n`);
		expect(seen.at(-1)?.headers.authorization).toBe(`Bearer ${VALUE}`);
		expect(text).toMatch(begins);
		expect(text).not.toContain(VALUE);
	});

	test.each(["gzip", "x-gzip", "deflate", "br", "identity"])("is found in what nobody asked to be packed: %s", async (encoding) => {
		const { gateway } = start(setting());
		const text = await through(gateway, `GET /packed/${encoding} HTTP/1.1\r\nhost: ${SITE}:${secure}\r\nconnection: close\r\n\r\n`);
		expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
		expect(text).toContain(`your key is Bearer ${"*".repeat(VALUE.length)}`);
		if (encoding !== "identity") expect(text).not.toContain("content-encoding");
	});

	test.each(["zstd", "gzip, gzip", "constructor"])("and what can not be looked into is not passed on: %s", async (encoding) => {
		const { gateway } = start(setting());
		const where = `/packed/${encodeURIComponent(encoding)}`;
		expect(await through(gateway, get(`${SITE}:${secure}`, where))).toMatch(/^HTTP\/1\.1 502 [\s\S]*looked through/);
		const socket = `GET ${where} HTTP/1.1\r\nhost: ${SITE}:${secure}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`;
		expect(await through(gateway, socket)).not.toContain("HTTP/1.1");
	});

	test("can not be got in parts: its host is not asked for a range", async () => {
		const { gateway } = start(setting());
		const ranges = ["Range: bytes=0-3", "if-range: x", "Request-Range: bytes=0-3", "x-ms-range: bytes=0-3"].join("\r\n");
		await through(gateway, `GET /x HTTP/1.1\r\nhost: ${SITE}:${secure}\r\n${ranges}\r\nconnection: close\r\n\r\n`);
		expect(Object.keys(seen.at(-1)?.headers ?? {}).filter((name) => name.includes("range"))).toEqual([]);
		// Another host may be asked for one.
		await exchange(
			await ask(gateway, "connect", SITE, web),
			`GET / HTTP/1.1\r\nhost: ${SITE}:${web}\r\n${ranges}\r\nconnection: close\r\n\r\n`,
		);
		expect(seen.at(-1)?.headers.range).toBe("bytes=0-3");
	});

	test("goes nowhere else: not to another Host or name, not without TLS, not to another port", async () => {
		const { gateway } = start(setting());
		const before = seen.length;
		expect(await through(gateway, get("other.test"))).toMatch(/^HTTP\/1\.1 403 /);
		expect(await through(gateway, get(SITE), "other.test")).not.toContain("HTTP/1.1 200");
		expect(await exchange(await ask(gateway, "connect", SITE, secure), get(`${SITE}:${secure}`))).toBe("");
		expect(seen.length).toBe(before);
		await exchange(await ask(gateway, "connect", SITE, web), get(`${SITE}:${web}`));
		expect(seen.at(-1)?.headers.authorization).toBeUndefined();
	});

	test("is not given to who only says that it is that host", async () => {
		const other = await Authority.open(join(directory, "others.pem"));
		const port = await listen(
			https.createServer(
				{ SNICallback: (name, done) => void other.contextFor(name).then((made) => done(null, made)) },
				(request) => void seen.push(request),
			),
		);
		const { gateway } = start({
			rules: [`127.0.0.1:${port}`, `${SITE}:${port}`],
			secrets: [{ name: "TOKEN", host: `${SITE}:${port}`, value: VALUE }],
		});
		const before = seen.length;
		const socket = tls.connect({ socket: client(await ask(gateway, "connect", SITE, port)), servername: SITE, ca: ours.certificate });
		socket.write(get(`${SITE}:${port}`));
		expect(String(await buffer(socket))).toMatch(/^HTTP\/1\.1 502 .*could not show that it is itself/);
		expect(seen.length).toBe(before);
	});

	test("a server that never says who it is: its connection ends with the client's, and with the gateway", async () => {
		const held = new Set<Socket>();
		const port = await listen(
			net.createServer((socket) => {
				held.add(socket);
				socket.on("error", () => {}).once("close", () => held.delete(socket));
				socket.resume();
			}),
		);
		const { gateway } = start({
			rules: [`127.0.0.1:${port}`, `${SITE}:${port}`],
			secrets: [{ name: "TOKEN", host: `${SITE}:${port}`, value: VALUE }],
		});
		const begun = async () => {
			const socket = tls.connect({ socket: client(await ask(gateway, "connect", SITE, port)), servername: SITE, ca: ours.certificate });
			socket.on("error", () => {});
			socket.write(get(`${SITE}:${port}`));
			return socket;
		};
		const gone = await begun();
		await expect.poll(() => held.size).toBe(1);
		gone.destroy();
		await expect.poll(() => held.size).toBe(0);
		await begun();
		await expect.poll(() => held.size).toBe(1);
		gateway.close();
		await expect.poll(() => held.size).toBe(0);
	});

	test("without an authority to speak for its host, the connection ends", async () => {
		const authority = () => Promise.reject(new Error("the disk is full"));
		const { gateway } = start({ ...setting(), authority });
		const socket = tls.connect({ socket: client(await ask(gateway, "connect", SITE, secure)), servername: SITE, ca: ours.certificate });
		socket.on("error", () => {});
		await new Promise((resolve) => socket.once("close", resolve));
	});

	test("that this process does not have is left to another", async () => {
		const { gateway } = start({ ...setting(), secrets: [{ name: "TOKEN_THAT_NOBODY_HAS", host: `${SITE}:${secure}` }] });
		expect(await ask(gateway, "connect", SITE, secure)).toEqual({ passed: true });
	});
});
