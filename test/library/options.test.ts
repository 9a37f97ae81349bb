import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isComputerError } from "../../packages/computer/src/errors/index.js";
import { DEFAULTS } from "../../packages/computer/src/limits.js";
import { SETTING_NAMES } from "../../packages/computer/src/options/settings.js";
import { driverChoice, machineSpec, type OpenOptions } from "../../packages/computer/src/options.js";

test("nothing asked for is the defaults", () => {
	const { name, image, hostname, cpus, memoryBytes, diskBytes, pids, network, user, persistence, idleStopMs } = DEFAULTS;
	expect(machineSpec({})).toEqual({
		...{ name, image, hostname, cpus, memoryBytes, diskBytes, pids, network, user, persistence, idleStopMs },
		...{ env: {}, dns: [], ports: [], folders: [], runtime: undefined },
		preset: { name: "minimal", packages: [], script: "", required: false },
	});
	expect(machineSpec({ name: undefined, cpus: undefined })).toEqual(machineSpec({}));
	expect(driverChoice(undefined)).toBe("auto");
});

test("what is asked for is what is made", () => {
	const asked = {
		name: "a.b-c_1",
		image: "alpine:3.20",
		hostname: "box",
		cpus: 0.5,
		memoryBytes: 0,
		diskBytes: 64 * 1024 * 1024,
		pids: 64,
		network: "open",
		dns: ["9.9.9.9", "2620:fe::fe"],
		ports: [{ hostAddress: "::1", hostPort: 8080, guestPort: 80, protocol: "udp" }],
		folders: [{ hostPath: "/srv/x", guestPath: "/mnt/x", readOnly: true, dangerous: false }],
		env: { A: "" },
		user: "1000:1000",
		runtime: "runsc",
		persistence: "ephemeral",
		idleStopMs: 60_000,
	} as const;
	expect(machineSpec({ ...asked, preset: { name: "python", packages: ["jq"], script: "true" } })).toEqual({
		...asked,
		preset: { name: "python", packages: ["jq"], script: "true", required: true },
	});
});

describe("is refused, with what was expected and what came", () => {
	test.each([
		[{ name: "Upper" }, /name .*"Upper"/],
		[{ name: "" }, /name/],
		[{ name: "../x" }, /name/],
		[{ name: "a".repeat(64) }, /name/],
		[{ image: "-v /:/host" }, /image/],
		[{ image: "a b" }, /image/],
		[{ image: "" }, /image/],
		[{ hostname: "a_b" }, /hostname/],
		[{ cpus: -1 }, /cpus .* got -1/],
		[{ cpus: Number.NaN }, /cpus .* got NaN/],
		[{ memoryBytes: 1.5 }, /memoryBytes/],
		[{ memoryBytes: 1024 }, /memoryBytes .* from 16777216, got 1024/],
		[{ pids: 1 }, /pids/],
		[{ network: "host" }, /network .*one of none, open, got "host"/],
		[{ diskBytes: 5 }, /diskBytes .* from 16777216, got 5/],
		[{ dns: "9.9.9.9" }, /dns .*a list/],
		[{ dns: ["dns.example"] }, /dns .*an IP address, got "dns.example"/],
		[{ ports: ["80"] }, /HOSTPORT:GUESTPORT.*got "80"/],
		[{ ports: ["0:80"] }, /a port in ports .*from 1 to 65535, got 0/],
		[{ ports: ["1:70000"] }, /got 70000/],
		[{ ports: ["1-3:1-2"] }, /ranges of the same length/],
		[{ ports: ["1-9999:1-9999"] }, /1000 ports at most/],
		[{ ports: ["80:80", "79-81:1-3"] }, /each port of the host once/],
		[{ ports: ["localhost:1:1"] }, /an IP address, got "localhost"/],
		[{ folders: ["/srv/x:/etc"] }, /beside the guest's system/],
		[{ folders: ["/srv/x:/home"] }, /beside the guest's system/],
		[{ folders: ["/srv/x:/mnt/a/../../usr/x"] }, /beside the guest's system/],
		[{ folders: ["/srv/x:/mnt:rx"] }, /DIRECTORY.*got "\/srv\/x:\/mnt:rx"/],
		[{ folders: ["/srv/x", "/srv/y"] }, /each place in the guest once/],
		[{ folders: [{ hostPath: "/x", readonly: true }] }, /a key of folders .*got "readonly"/],
		[{ preset: "pyhton" }, /preset .*one of none, minimal, python.* got "pyhton"/],
		[{ preset: "none+--allow" }, /a package of preset/],
		[{ preset: { packages: "jq" } }, /preset.packages .*a list/],
		[{ user: "Root User" }, /user/],
		[{ persistence: "forever" }, /persistent, ephemeral/],
		[{ idleStopMs: 1 }, /idleStopMs .*from 1000/],
		[{ timeoutMs: 3_600_001 }, /timeoutMs .*to 3600000/],
		[{ maxOutputBytes: 1 }, /maxOutputBytes .*from 2/],
		[{ env: { "A=B": "x" } }, /env/],
		[{ env: { A: "x\0" } }, /env\.A .*without NUL/],
		[{ env: { A: 1 } }, /env\.A .*a string, got 1/],
		[{ env: ["A"] }, /env .*NAME=value, got "A"/],
		[{ runtime: "--privileged" }, /runtime/],
		[{ onProgress: true }, /onProgress/],
		[{ memory: 1 }, /one of .*memoryBytes.* got "memory"/],
		[null, /options .*an object/],
	])("%j", (options, message) => {
		expect(() => machineSpec(options as OpenOptions)).toThrow(
			expect.objectContaining({ code: "invalid_argument", message: expect.stringMatching(message) }),
		);
	});
});

test("any options are taken or refused, with nothing else thrown", () => {
	const value = fc.oneof(fc.anything(), fc.string(), fc.double(), fc.constant(undefined), fc.array(fc.oneof(fc.anything(), fc.string())));
	const options = fc.record(Object.fromEntries(["name", ...SETTING_NAMES].map((name) => [name, value])));
	fc.assert(
		fc.property(options, (some) => {
			try {
				machineSpec(some as OpenOptions);
			} catch (error) {
				expect(isComputerError(error, "invalid_argument")).toBe(true);
			}
		}),
		{ numRuns: 500 },
	);
});
