import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isComputerError } from "../../packages/computer/src/errors/index.js";
import { DEFAULTS } from "../../packages/computer/src/limits.js";
import { driverChoice, machineSpec, type OpenOptions } from "../../packages/computer/src/options.js";

test("nothing asked for is the defaults", () => {
	const { session: _session, timeoutMs: _timeoutMs, maxOutputBytes: _maxOutputBytes, searchResults: _searchResults, ...machine } = DEFAULTS;
	expect(machineSpec({})).toEqual({ ...machine, env: {}, runtime: undefined });
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
		pids: 64,
		network: "open",
		env: { A: "" },
		runtime: "runsc",
	} as const;
	expect(machineSpec(asked)).toEqual(asked);
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
		[{ env: { "A=B": "x" } }, /env/],
		[{ env: { A: "x\0" } }, /env\.A .*without NUL/],
		[{ env: { A: 1 } }, /env\.A .*a string, got 1/],
		[{ env: ["A=B"] }, /env .*an array/],
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
	const value = fc.oneof(fc.anything(), fc.string(), fc.double(), fc.constant(undefined));
	const options = fc.record({
		name: value,
		image: value,
		hostname: value,
		cpus: value,
		memoryBytes: value,
		pids: value,
		network: value,
		env: value,
		runtime: value,
	});
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
