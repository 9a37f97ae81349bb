import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameDecoder } from "../../packages/computer/src/agent/frames.js";
import type { Json } from "../../packages/computer/src/agent/shapes.js";
import { frame, result, STARTED } from "./guest.js";

function decode(chunks: readonly Buffer[]) {
	const out = { stdout: [] as Buffer[], stderr: [] as Buffer[], started: 0, results: [] as Json[] };
	const decoder = new FrameDecoder({
		started: () => out.started++,
		output: (stream, bytes) => out[stream].push(bytes),
		result: (json) => out.results.push(json),
	});
	for (const chunk of chunks) decoder.push(chunk);
	decoder.end();
	return { ...out, stdout: Buffer.concat(out.stdout), stderr: Buffer.concat(out.stderr) };
}

function cut(bytes: Buffer, points: readonly number[]): Buffer[] {
	const ends = [...points.map((point) => point % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
	return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

test("however the bytes are cut, the same frames come out", () => {
	const output = fc.record({ type: fc.constantFrom(1, 2), bytes: fc.uint8Array({ maxLength: 40 }) });
	fc.assert(
		fc.property(fc.array(output, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 30 }), (outputs, points) => {
			const wire = Buffer.concat([STARTED, ...outputs.map(({ type, bytes }) => frame(type, Buffer.from(bytes))), result({ exitCode: 3 })]);
			const decoded = decode(cut(wire, points));
			const of = (type: number) => Buffer.concat(outputs.filter((one) => one.type === type).map((one) => one.bytes));
			expect(decoded.stdout).toEqual(of(1));
			expect(decoded.stderr).toEqual(of(2));
			expect(decoded.started).toBe(1);
			expect(decoded.results).toMatchObject([{ exitCode: 3 }]);
		}),
	);
});

test("any bytes either decode or end in a typed error", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, started) => {
			try {
				decode([started ? STARTED : Buffer.alloc(0), Buffer.from(bytes)]);
			} catch (error) {
				expect(["protocol_error", "connection_lost"]).toContain((error as { code: string }).code);
			}
		}),
		{ numRuns: 500 },
	);
});

test("output is handed on as slices, not copies", () => {
	const chunk = Buffer.concat([STARTED, frame(1, "hello")]);
	const seen: Buffer[] = [];
	const decoder = new FrameDecoder({ started: () => {}, output: (_stream, bytes) => seen.push(bytes), result: () => {} });
	decoder.push(chunk);
	expect(seen[0]?.buffer).toBe(chunk.buffer);
});

describe("is refused as protocol_error", () => {
	const header = (type: number, length: number) => {
		const bytes = frame(type, "");
		bytes.writeUInt32BE(length, 1);
		return bytes;
	};
	test.each([
		["a frame of 4 GiB", [STARTED, header(1, 0xffffffff)]],
		["a frame of 1 MiB and a byte", [STARTED, header(4, 1024 * 1024 + 1)]],
		["an unknown type", [STARTED, header(9, 0)]],
		["type 0", [STARTED, header(0, 0)]],
		["output before the start", [frame(1, "x")]],
		["a second start", [STARTED, STARTED]],
		["output after the result", [STARTED, result(), frame(1, "x")]],
		["a second result", [STARTED, result(), result()]],
		["a start that is no JSON", [frame(3, "{")]],
		["a result that is a list", [STARTED, frame(4, "[]")]],
	])("%s", (_name, chunks) => {
		expect(() => decode(chunks)).toThrow(expect.objectContaining({ code: "protocol_error" }));
	});
});

test.each([
	["nothing", []],
	["a start alone", [STARTED]],
	["half a header", [STARTED, result(), Buffer.from([1, 0])]],
	["half a result", [STARTED, result().subarray(0, 20)]],
])("an end after %s is connection_lost", (_name, chunks) => {
	expect(() => decode(chunks)).toThrow(expect.objectContaining({ code: expect.stringMatching(/connection_lost|protocol_error/) }));
});
