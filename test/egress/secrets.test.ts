import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Computer } from "lms-computer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stateDirectory } from "../../packages/computer/src/drivers/state-directory.js";
import { Authority } from "../../packages/computer/src/egress/authority.js";
import { DRIVERS } from "../support/drivers.js";
import { expectError, output } from "../support/suite.js";

const VALUE = "s3cr3t-Value-0f-the-test";

let directory: string;
let server: https.Server;
let port: number;
const seen: (string | undefined)[] = [];

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), "lms-secrets-"));
	const theirs = await Authority.open(join(directory, "theirs.pem"));
	// What this host trusts, beside its system: read once, when a computer is first told.
	process.env["SSL_CERT_FILE"] = join(directory, "trust.pem");
	await writeFile(process.env["SSL_CERT_FILE"], theirs.certificate);
	const options = {
		SNICallback: (name: string, done: (error: null, context: never) => void) =>
			void theirs.contextFor(name).then((made) => done(null, made as never)),
	};
	server = https.createServer(options as https.ServerOptions, (request, response) => {
		seen.push(request.headers["x-api-key"] as string | undefined);
		response.end(`your key is ${request.headers["x-api-key"]}\n`);
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	port = (server.address() as AddressInfo).port;
	process.env["TEST_API_KEY"] = VALUE;
});

afterAll(async () => {
	server.closeAllConnections();
	server.close();
	await rm(directory, { recursive: true });
});

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("a secret", () => {
		let computer: Computer;
		const sh = (command: string) => output(computer, command);
		/** apt's own client for HTTPS is in every Debian. It must not take the name for one of the machine's. */
		const fetch = (path: string) =>
			`cd /tmp && rm -f answer && no_proxy= /usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file https://localhost:${port}${path} answer && cat answer`;

		beforeAll(async () => {
			computer = await target.open("secrets", { secrets: [{ name: "TEST_API_KEY", host: `localhost:${port}`, header: "x-api-key" }] });
		});

		test("goes to its host, and is nowhere in the machine", async () => {
			expect(await sh(fetch("/who"))).toContain(`your key is ${"*".repeat(VALUE.length)}`);
			expect(seen.at(-1)).toBe(VALUE);
			expect(await sh("echo $TEST_API_KEY")).toBe("set-by-lms-computer");
			// In two pieces, so that the search does not find itself.
			const [head, tail] = [VALUE.slice(0, 6), VALUE.slice(6)];
			const places = "/proc/[0-9]*/environ /proc/[0-9]*/cmdline /run /tmp /home /root /var/lib/lms /etc";
			const search = () => sh(`h='${head}'; grep -rslaF --devices=skip "$h""${tail}" ${places}; :`);
			expect(await search()).toBe("");
			// It would find it.
			await computer.files.write("/tmp/planted", VALUE);
			expect(await search()).toBe("/tmp/planted");
		});

		test("its authority is the computer's alone: the key stays on this host, and only the secret's host is spoken for", async () => {
			const pem = await readFile(join(stateDirectory(), "egress", computer.driver, `${computer.name}.pem`), "utf8");
			const [certificate] = pem.split("-----BEGIN RSA");
			const trusted = await sh("cat $SSL_CERT_FILE");
			expect(trusted).toContain(certificate?.trim().split(/\r?\n/)[1]);
			expect(trusted).not.toMatch(/KEY-----/);
		});

		test("is left out once the network is gone", async () => {
			await computer.setNetwork("none");
			expect(await sh("echo [$TEST_API_KEY]")).toBe("[]");
			expect(await computer.network()).toEqual({ on: false, allow: [], secrets: [] });
		});

		test("is given, replaced and taken away as other settings are, while it runs and with a rebuild", async () => {
			const secret = { name: "TEST_API_KEY", host: `localhost:${port}`, header: "x-api-key" };
			expect(await computer.reconfigure({ secrets: [secret] })).toEqual(["allow-list: TEST_API_KEY@localhost from now on, none before"]);
			expect(await sh(fetch("/again"))).toContain(`your key is ${"*".repeat(VALUE.length)}`);
			const other = { name: "OTHER", host: "other.test", value: VALUE };
			await expectError(computer.rebuild({ network: "open", secrets: [other] }), "invalid_argument");
			await expectError(computer.rebuild({ secrets: ["nothing"] }), "invalid_argument");
			await computer.rebuild({ secrets: [other] });
			expect(await computer.network()).toMatchObject({ on: true, allow: [], secrets: [{ name: "OTHER", known: true }] });
			expect(await sh("echo [$TEST_API_KEY] $OTHER")).toBe("[] set-by-lms-computer");
			await computer.setNetwork({ allow: ["a.test"] });
			expect(await computer.reconfigure({ secrets: [] })).toEqual(["allow-list: a.test from now on, a.test, OTHER@other.test before"]);
			expect(await computer.network()).toMatchObject({ on: true, allow: [{ word: "a.test" }], secrets: [] });
		});
	});
});
