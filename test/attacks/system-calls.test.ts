import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromRoot } from "../support/repository.js";
import { suite } from "../support/suite.js";

let directory: string;
const servers: Server[] = [];
let loopback: string;
const abstract = `@lms-attack-${process.pid}`;

/** Podman's own filter of system calls lets the kernel's keyrings through: THREAT_MODEL.md says what that is worth. */
const KNOWN: Record<string, readonly string[]> = { podman: ["the session's keyring", "the user's keyring"] };

beforeAll(async () => {
	directory = mkdtempSync(join(tmpdir(), "lms-attacker-"));
	const env = { ...process.env, PATH: `${process.env["PATH"]}${delimiter}/usr/local/go/bin`, CGO_ENABLED: "0", GO111MODULE: "off" };
	execFileSync("go", ["build", "-o", join(directory, "attacker"), fromRoot("test/attacks/attacker/main.go")], { env, stdio: "inherit" });
	// What a guest must not reach: a port on the host's loopback, and an abstract socket.
	for (const where of [{ host: "127.0.0.1", port: 0 }, { path: `\0${abstract.slice(1)}` }]) {
		const server = createServer((connection) => connection.destroy());
		await new Promise<void>((resolve) => server.listen(where, resolve));
		servers.push(server);
		const address = server.address();
		if (typeof address === "object" && address !== null && "port" in address) loopback = `127.0.0.1:${address.port}`;
	}
}, 60_000);

afterAll(() => {
	for (const server of servers) server.close();
	rmSync(directory, { recursive: true });
});

suite("attacks-calls", (subject) => {
	test("no system call, no file of the kernel's and no socket leads out of the machine", async () => {
		await subject.computer.files.upload(join(directory, "attacker"), "/tmp/attacker");
		const said = await subject.sh(`chmod 755 /tmp/attacker; /tmp/attacker ${loopback} ${abstract}`);
		const attempts = said.split("\n").map((line) => line.split("\t") as [string, string]);
		expect(attempts.length).toBeGreaterThan(40);
		const known = KNOWN[subject.target.driver] ?? [];
		expect(attempts.filter(([name, word]) => word === "ALLOWED" && !known.includes(name))).toEqual([]);
	});
});
