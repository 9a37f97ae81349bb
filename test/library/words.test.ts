/** What a user types, or a configuration says: any text is a setting within its bounds, or refused as such. */
import { isIP } from "node:net";
import { posix } from "node:path";
import fc from "fast-check";
import { isComputerError } from "lms-computer";
import { expect, test } from "vitest";
import type { PublishedPort } from "../../packages/computer/src/driver.js";
import { expectSecrets } from "../../packages/computer/src/egress/secrets.js";
import { BOUNDS } from "../../packages/computer/src/limits.js";
import { readFolder } from "../../packages/computer/src/options/folders.js";
import { expectPorts, readPorts } from "../../packages/computer/src/options/ports.js";

/** Undefined when it is refused; every other error is one of ours. */
function taken<T>(read: () => T): T | undefined {
	try {
		return read();
	} catch (error) {
		if (isComputerError(error, "invalid_argument")) return undefined;
		throw error;
	}
}

/** Text that is nearly right. */
const near = (...parts: readonly string[]) =>
	fc.oneof(
		fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((words) => words.join("")),
		fc.string({ unit: "binary", maxLength: 40 }),
	);
const port = fc.integer({ min: 1, max: 65_535 });

test("ports", () => {
	fc.assert(
		fc.property(near("8080", "80", ":", "-", ",", "/udp", "/TCP", "127.0.0.1", "[::1]", "0", "65536", " ", "99999", "\n"), (text) => {
			const good = ({ hostAddress, hostPort, guestPort, protocol }: PublishedPort) =>
				isIP(hostAddress) !== 0 &&
				[hostPort, guestPort].every((number) => Number.isInteger(number) && number >= 1 && number <= 65_535) &&
				["tcp", "udp"].includes(protocol);
			expect(taken(() => readPorts("ports", text))?.every(good)).not.toBe(false);
		}),
	);
	fc.assert(
		fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, port, fc.constantFrom("tcp", "udp"), (address, hostPort, guestPort, protocol) => {
			const shown = isIP(address) === 6 ? `[${address}]` : address;
			expect(readPorts("ports", `${shown}:${hostPort}:${guestPort}/${protocol}`)).toEqual([
				{ hostAddress: address, hostPort, guestPort, protocol },
			]);
		}),
	);
});

test("a list of ports that is too long is refused before it is made", () => {
	const flood = Array.from({ length: 2000 }, () => "1-65535:1-65535").join(",");
	expect(taken(() => expectPorts("ports", [flood]))).toBeUndefined();
	expect(taken(() => expectPorts("ports", [`1-${BOUNDS.ports}:1-${BOUNDS.ports}`]))).toHaveLength(BOUNDS.ports);
	expect(taken(() => expectPorts("ports", [`1-${BOUNDS.ports + 1}:1-${BOUNDS.ports + 1}`]))).toBeUndefined();
});

test("folders", () => {
	fc.assert(
		fc.property(
			near("/srv", "/", "..", ":", "ro", "rw", "dangerous", ",", "C:\\", "/home/user", "/etc", "/mnt/x", "\0", " ", "~"),
			(text) => {
				const folder = taken(() => readFolder("folders", text));
				if (folder === undefined) return;
				const { guestPath, hostPath } = folder;
				expect(hostPath).not.toBe("");
				expect(guestPath).toBe(posix.resolve(guestPath));
				expect(guestPath).not.toMatch(/^\/(?:etc|proc|sys|dev|run|bin|usr)?(?:\/|$)/);
				expect(guestPath + hostPath).not.toContain("\0");
				if (/[:,]dangerous\b/.test(text)) return;
				expect(folder.dangerous).toBe(false);
			},
		),
	);
});

test("secrets: a header is one line, and what is refused says no value", () => {
	const value = "s3cr3t-of-the-test";
	fc.assert(
		fc.property(near("TOKEN", "@", "api.example.com", ":443", "=", "x-api-key", ": token {}", "\r\n", "host", "{}", "1.2.3.4"), (text) => {
			for (const secret of taken(() => expectSecrets("secrets", [text])) ?? []) {
				expect(`${secret.header}: ${secret.template.replace("{}", value)}`).toMatch(/^[!-9;-~]+: [\t\x20-\x7e]+$/);
				expect(secret.value).toBeUndefined();
				expect(secret.host).not.toMatch(/[^a-z0-9._-]/);
			}
		}),
	);
	fc.assert(
		fc.property(near("a", "\r\n", "\0", "{}", "é"), near("TOKEN", "1", " "), (odd, name) => {
			try {
				expectSecrets("secrets", [{ name, host: "api.example.com", value: value + odd }]);
			} catch (error) {
				expect(String((error as Error).stack) + JSON.stringify(error)).not.toContain(value);
			}
		}),
	);
});
