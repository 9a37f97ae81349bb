import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { findComputer } from "lms-computer";
import { describe, expect, test } from "vitest";
import { DRIVERS } from "../support/drivers.js";
import { freePort } from "../support/free-port.js";
import { output } from "../support/suite.js";

/** What that port says; undefined while nothing answers. */
async function said(host: string, port: number): Promise<string | undefined> {
	const socket = connect({ host, port });
	return await text(socket).catch(() => undefined);
}

// Perl is in every Debian; one connection after the other.
const SERVER =
	"use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8000, Listen => 5, ReuseAddr => 1) or die; while (my $c = $s->accept) { print $c 'served'; close $c }";

describe.for(DRIVERS)("$title", (target) => {
	describe.skipIf(target.skip !== undefined)("ports and name servers", () => {
		test("a published port is the guest's, on 127.0.0.1 alone, after a restart too", async ({ skip }) => {
			if (!target.capabilities.publishPorts) skip("a driver that publishes none");
			const port = await freePort();
			const computer = await target.open("published", { network: "open", ports: [`${port}:8000`] });
			await computer.commands.start(`perl -e "${SERVER.replaceAll("$", "\\$")}"`);
			await expect.poll(() => said("127.0.0.1", port)).toBe("served");
			const { stdout } = await promisify(execFile)("sh", [
				"-c",
				"ip -4 -o addr show scope global | sed -n 's/.* inet \\([0-9.]*\\).*/\\1/p' | head -n 1",
			]);
			if (stdout.trim() !== "") expect(await said(stdout.trim(), port)).toBeUndefined();
			await computer.stop();
			expect(await said("127.0.0.1", port)).toBeUndefined();
			await computer.commands.start(`perl -e "${SERVER.replaceAll("$", "\\$")}"`);
			await expect.poll(() => said("127.0.0.1", port)).toBe("served");
		});

		test("without a network they are refused, with the way out, and leave nothing", async () => {
			const refused = target.open("ports-refused", { ports: ["18080:80"] });
			await expect(refused).rejects.toMatchObject({
				code: target.capabilities.publishPorts ? "invalid_argument" : "not_supported",
				hint: expect.stringContaining("lms-computer port"),
			});
			expect(await findComputer({ name: target.computerName("ports-refused"), driver: target.driver })).toBeUndefined();
		});

		test("a port that somebody has is busy, and leaves nothing", async ({ skip }) => {
			if (!target.capabilities.publishPorts) skip("a driver that publishes none");
			const taken = createServer().listen(0, "127.0.0.1");
			await once(taken, "listening");
			const { port } = taken.address() as { port: number };
			try {
				for (const persistence of ["persistent", "ephemeral"] as const) {
					const opening = target.open("taken", { network: "open", ports: [`${port}:80`], persistence });
					await expect(opening, persistence).rejects.toMatchObject({ code: "busy" });
					expect(await findComputer({ name: target.computerName("taken"), driver: target.driver })).toBeUndefined();
				}
			} finally {
				taken.close();
			}
		});

		test("what needs no published port needs no free one: a diff, a fork, and whatever is done while the network is taken away", async ({
			skip,
		}) => {
			if (!target.capabilities.publishPorts) skip("a driver that publishes none");
			const port = await freePort();
			const computer = await target.open("has-ports", { network: "open", ports: [`${port}:8000`] });
			const { id } = await computer.checkpoint();
			await computer.files.write("/home/user/new", "x");
			expect((await computer.diff(id)).added).toContain("/home/user/new");
			const fork = await computer.fork(id, target.computerName("has-none"));
			try {
				expect(fork.notices).toEqual([expect.stringContaining(computer.name)]);
				expect((await fork.exec("echo on")).stdout).toBe("on\n");
			} finally {
				await fork.remove();
			}
			await computer.setNetwork("none");
			await computer.rebuild({ hostname: "another" });
			await computer.rollback(id);
			await expect(computer.rebuild({ ports: [`${port}:8001`] })).rejects.toMatchObject({ code: "invalid_argument" });
			await computer.setNetwork("open");
			await computer.commands.start(`perl -e "${SERVER.replaceAll("$", "\\$")}"`);
			await expect.poll(() => said("127.0.0.1", port)).toBe("served");
		});

		test("an ephemeral one is restarted while its network is taken away", async ({ skip }) => {
			if (!target.capabilities.publishPorts) skip("a driver that publishes none");
			const ports = [`${await freePort()}:8000`];
			const computer = await target.open("ports-gone", { network: "open", ports, persistence: "ephemeral" });
			await computer.setNetwork("none");
			await computer.restart();
			expect((await computer.exec("echo on")).stdout).toBe("on\n");
			expect((await computer.inspect()).network).toBe("none");
		});

		test("name servers are the ones asked for", async ({ skip }) => {
			if (!target.capabilities.openNetwork) skip("a driver without a network");
			const computer = await target.open("names", { network: "open", dns: ["192.0.2.1", "192.0.2.2"] });
			expect(await output(computer, "grep ^nameserver /etc/resolv.conf")).toBe("nameserver 192.0.2.1\nnameserver 192.0.2.2");
		});
	});
});
