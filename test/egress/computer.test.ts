import { once } from "node:events";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import { type Computer, findComputer } from "lms-computer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stateDirectory } from "../../packages/computer/src/drivers/state-directory.js";
import { expectGone, MARK, processesWith } from "../cli/command.js";
import { DRIVERS } from "../support/drivers.js";
import { startHolder } from "../support/outside.js";
import { expectError, output } from "../support/suite.js";

const servers: net.Server[] = [];
let web: number;
let echo: number;

beforeAll(async () => {
	web = await listen(http.createServer((request, response) => response.end(`${request.method} ${request.url}\n`)));
	echo = await listen(net.createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {}).pipe(socket)));
});

afterAll(() => {
	for (const server of servers) {
		(server as http.Server).closeAllConnections?.();
		server.close();
	}
});

async function listen(server: net.Server): Promise<number> {
	servers.push(server);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return (server.address() as AddressInfo).port;
}

/** In the guest, with nothing but bash: sends to the proxy that the environment names, and answers what comes. */
function viaProxy(send: string, read = "cat"): string {
	return `p=\${http_proxy#http://}; exec 3<>/dev/tcp/\${p%:*}/\${p#*:} && printf '${send.replaceAll("%", "%%")}' >&3 && timeout 20 ${read} <&3; exec 3>&-`;
}

const get = (host: string, path = "/") =>
	viaProxy(`GET http://${host}${path} HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n\\r\\n`);

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("egress", () => {
		let computer: Computer;
		const sh = (command: string) => output(computer, command);
		beforeAll(async () => {
			computer = await target.open("egress", { network: { allow: [`127.0.0.1:${web}`, `localhost:${echo}`] } });
		});

		test("a web server on this host is reached because a rule names it, and the decision is told", async () => {
			const told: unknown[] = [];
			const stop = computer.onDecision((decision) => told.push(decision));
			expect(await sh(get(`127.0.0.1:${web}`, "/page"))).toContain("GET /page");
			stop();
			expect(told).toMatchObject([{ allowed: true, target: `127.0.0.1:${web}`, rule: `127.0.0.1:${web}` }]);
			expect((await computer.history(20)).some((one) => "text" in one && one.text === `allowed 127.0.0.1:${web}`)).toBe(true);
		});

		test("a refusal says what and how to allow it", async () => {
			const text = await sh(get("example.org"));
			expect(text).toMatch(/^HTTP\/1\.1 403 Not allowed: lms-computer network allow example\.org:80 --name /);
			expect(text).toContain(`The user can allow it with: lms-computer network allow example.org:80 --name ${computer.name}`);
			const told = await sh(viaProxy("CONNECT example.org:443 HTTP/1.1\\r\\n\\r\\n"));
			expect(told).toMatch(/^HTTP\/1\.1 403 Not allowed: lms-computer network allow example\.org:443 /);
		});

		test.each(["0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.2]", "[::1]", "169.254.169.254", "localhost", "127.0.0.2"])(
			"%s is refused",
			async (host) => {
				expect(await sh(viaProxy(`CONNECT ${host}:${web} HTTP/1.1\\r\\n\\r\\n`))).toMatch(/^HTTP\/1\.1 403 /);
			},
		);

		test("bytes both ways through CONNECT and SOCKS, to the last one", async () => {
			const client = (hello: string, answer: number) =>
				`exec 3<>/dev/tcp/127.0.0.1/3128; printf '${hello}' >&3; head -c ${answer} <&3 >/dev/null; head -c 2000000 /dev/zero | tee >(md5sum >/tmp/in) >&3 & ` +
				`head -c 2000000 <&3 | md5sum; wait; cat /tmp/in; exec 3>&-`;
			for (const [hello, answer] of [
				[`CONNECT localhost:${echo} HTTP/1.1\\r\\n\\r\\n`, "HTTP/1.1 200 Connection established\r\n\r\n".length],
				[`\\5\\1\\0\\5\\1\\0\\3\\11localhost\\x${(echo >> 8).toString(16)}\\x${(echo & 255).toString(16)}`, 12],
			] as const) {
				const sums = (await sh(client(hello, answer))).split("\n");
				expect(sums).toHaveLength(2);
				expect(sums[0]).toBe(sums[1]);
			}
		});

		test("there is no other way: no route, no name server", async () => {
			expect((await computer.exec("echo x >/dev/tcp/192.0.2.1/80", { session: "aside" })).stderr).toMatch(/unreachable/i);
			expect((await computer.exec("echo x >/dev/udp/192.0.2.1/53", { session: "aside" })).stderr).toMatch(/unreachable/i);
			expect((await computer.exec("getent hosts example.org", { session: "aside" })).exitCode).not.toBe(0);
		});

		test("rules change while it runs, for every holder, and all of it goes away again", async () => {
			const asked = viaProxy(`CONNECT localhost:${web} HTTP/1.1\\r\\n\\r\\n`, "head -n 1");
			await computer.exec("true", { session: "old" });
			const other = (await findComputer({ name: computer.name, driver: computer.driver })) as Computer;
			try {
				const state = await other.setNetwork({ allow: [`localhost:${web}`, "local-model:9"] });
				expect(state).toMatchObject({
					on: true,
					allow: [{ word: `localhost:${web}` }, { word: "local-model:9", rules: ["host.lms-computer.internal:9"] }],
				});
				// This holder carries: it is the older one.
				expect(await sh(asked)).toMatch(/^HTTP\/1\.1 200 /);
				expect(await sh(get(`127.0.0.1:${web}`))).toMatch(/^HTTP\/1\.1 403 /);
				await other.setNetwork("none");
			} finally {
				await other.close();
			}
			expect(await sh("env | grep -ciE '^(https?_proxy|ssl_cert_file|lms_computer)' ; :")).toBe("0");
			expect((await computer.exec("env | grep -c http_proxy", { session: "old" })).stdout).toBe("0\n");
			expect((await computer.exec("exec 3<>/dev/tcp/127.0.0.1/3128", { session: "aside" })).exitCode).not.toBe(0);
			await computer.setNetwork({ allow: [`127.0.0.1:${web}`] });
			expect((await computer.exec("echo $http_proxy", { session: "old" })).stdout).toBe("http://127.0.0.1:3128\n");
			await expectError(computer.setNetwork({ allow: ["http://example.org"] }), "invalid_argument");
		});

		test("a port of the loopback leads to this host's, for programs that know no proxy", async () => {
			await computer.setNetwork({ allow: [`local-model:${web}`] });
			const direct = `exec 3<>/dev/tcp/127.0.0.1/${web}; printf 'GET /v1/models HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3; exec 3>&-`;
			expect(await sh(direct)).toContain("GET /v1/models");
			expect(await sh(get(`host.lms-computer.internal:${web}`, "/named"))).toContain("GET /named");
		});

		test("a look-up of a preset that is canceled, or that does not come to an end in the machine, changes nothing", async () => {
			await computer.setNetwork({ allow: [`127.0.0.1:${web}`] });
			// Whoever reads it waits for somebody to write.
			await computer.exec("mkdir -p ~/.pip && mkfifo ~/.pip/pip.conf");
			try {
				const ending = new AbortController();
				const changing = computer.setNetwork({ allow: ["pip"] }, { signal: ending.signal });
				await expect.poll(async () => (await computer.commands.list()).some(({ session }) => session === "lms-presets")).toBe(true);
				ending.abort();
				await expectError(changing, "canceled");
				expect((await computer.network()).allow).toMatchObject([{ word: `127.0.0.1:${web}` }]);
				const opening = target.open("egress", { network: { allow: ["pip"] }, signal: AbortSignal.timeout(2000) });
				await expectError(opening, "canceled");
				expect((await computer.network()).allow).toMatchObject([{ word: `127.0.0.1:${web}` }]);
			} finally {
				await computer.exec("rm -r ~/.pip");
			}
		});

		test("who opens it with a secret alone leaves its list as it was, and is told what it may reach from now on", async () => {
			await computer.setNetwork({ allow: [`127.0.0.1:${web}`] });
			const other = await target.open("egress", { secrets: [{ name: "TOKEN", host: "site.test", value: "x".repeat(20) }] });
			try {
				expect(await other.network()).toMatchObject({ allow: [{ word: `127.0.0.1:${web}` }], secrets: [{ name: "TOKEN" }] });
				expect(other.notices).toContain(`network: 127.0.0.1:${web}, TOKEN@site.test from now on, 127.0.0.1:${web} before`);
			} finally {
				await other.close();
			}
		});

		test("while nobody holds the computer the proxy says so at once; the rules are there for the next one", async () => {
			await computer.setNetwork({ allow: [`127.0.0.1:${web}`] });
			const open = { ...target.options, name: computer.name };
			// The host ends the first sleep when nobody holds the computer, and sees by the end of the other one that there is an answer.
			const [asks, waits] = [`sleep ${MARK}81`, `sleep ${MARK}82`];
			const job = `${waits} & ${asks}; (${get(`127.0.0.1:${web}`)}) >/tmp/alone 2>&1; kill $!`;
			// Another process starts it and ends; this one lets go.
			const holder = startHolder(open, `(${job}) >/dev/null 2>&1 & echo started`);
			await holder.line("result");
			await expect.poll(() => processesWith(asks), { timeout: 20_000 }).toHaveLength(1);
			await computer.close();
			holder.kill();
			await holder.exited;
			for (const found of await processesWith(asks)) process.kill(Number.parseInt(found, 10));
			await expectGone(waits);
			computer = await target.open("egress");
			expect(await sh("cat /tmp/alone")).toMatch(/^HTTP\/1\.1 503 No lms-computer process is connected/);
			expect(await sh(get(`127.0.0.1:${web}`))).toContain("200 OK");
		});

		test("after a restart it is as before", async () => {
			await computer.stop();
			expect(await sh(get(`127.0.0.1:${web}`))).toContain("200 OK");
		});

		test("a file of rules that is damaged lets nothing through, and that is said", async () => {
			const file = join(stateDirectory(), "egress", computer.driver, `${computer.name}.json`);
			const text = await readFile(file, "utf8");
			await writeFile(file, text.slice(0, text.length / 2));
			expect(await sh(get(`127.0.0.1:${web}`))).toMatch(/^HTTP\/1\.1 403 /);
			expect(computer.notices.join("\n")).toContain("can not be read: nothing is allowed until it is set again");
			await computer.setNetwork({ allow: [`127.0.0.1:${web}`] });
			expect(await sh(get(`127.0.0.1:${web}`))).toContain("200 OK");
		});

		test("a fork may reach what its origin may, and nothing that was allowed to one of its name before", async () => {
			const origin = await target.open("closed");
			const name = `${origin.name}-fork`;
			const file = join(stateDirectory(), "egress", origin.driver, `${name}.json`);
			await copyFile(join(stateDirectory(), "egress", computer.driver, `${computer.name}.json`), file);
			const fork = await origin.fork(undefined, name);
			try {
				expect((await fork.network()).allow).toEqual([]);
				expect(await output(fork, "env | grep -ci _proxy || true")).toBe("0");
			} finally {
				await fork.remove();
				await fork.close();
			}
		});

		test("an ephemeral computer's rules and keys go with its last holder", async () => {
			const one = await target.open("fleeting", {
				persistence: "ephemeral",
				secrets: [{ name: "TOKEN", host: "site.test", value: "x".repeat(20) }],
			});
			const directory = join(stateDirectory(), "egress", one.driver);
			const files = async () => (await readdir(directory)).filter((file) => file.startsWith(`${one.name}.`)).sort();
			const both = [`${one.name}.json`, `${one.name}.pem`];
			expect(await files()).toEqual(both);
			const two = await target.open("fleeting");
			await one.close();
			expect(await files()).toEqual(both);
			await two.exec("true");
			await expect.poll(() => two.close().then(files)).toEqual([]);
		});
	});
});
