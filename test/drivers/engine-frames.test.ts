import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader, type FrameType } from "../../packages/computer/src/drivers/engine/frames.js";

const frame = fc.record({ type: fc.constantFrom<FrameType>("stdout", "stderr"), payload: fc.uint8Array({ maxLength: 200 }) });

function encode({ type, payload }: { type: FrameType; payload: Uint8Array }): Buffer {
	const header = Buffer.alloc(8);
	header[0] = type === "stdout" ? 1 : 2;
	header.writeUInt32BE(payload.length, 4);
	return Buffer.concat([header, payload]);
}

test("any frames, cut anywhere, come out as the bytes that went in", () => {
	fc.assert(
		fc.property(fc.array(frame), fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (frames, sizes) => {
			const got: Record<FrameType, Buffer[]> = { stdout: [], stderr: [] };
			const reader = new FrameReader((type, part) => got[type].push(Buffer.from(part)));
			const bytes = Buffer.concat(frames.map(encode));
			for (let at = 0; at < bytes.length; ) {
				const size = sizes.next().value ?? 1;
				reader.push(bytes.subarray(at, at + size));
				at += size;
			}
			for (const type of ["stdout", "stderr"] as const) {
				const sent = Buffer.concat(frames.filter((one) => one.type === type).map((one) => one.payload));
				expect(Buffer.concat(got[type]).equals(sent)).toBe(true);
			}
			expect(reader.atBoundary).toBe(true);
		}),
	);
});

test("a payload is handed on as it comes, without a copy", () => {
	const parts: Buffer[] = [];
	const reader = new FrameReader((_, part) => parts.push(part));
	const bytes = encode({ type: "stdout", payload: Buffer.alloc(100, 1) });
	reader.push(bytes.subarray(0, 50));
	expect(parts.map((part) => part.length)).toEqual([42]);
	expect(parts[0]?.buffer).toBe(bytes.buffer);
	expect(reader.atBoundary).toBe(false);
});

test.each([
	["a frame of stdin", "0000000000000001"],
	["a frame of the engine's own", "0300000000000001"],
	["text", Buffer.from("HTTP/1.1").toString("hex")],
	["a length that no engine sends", "01000000ffffffff"],
])("%s is out of step", (_, header) => {
	expect(() => new FrameReader(() => {}).push(Buffer.from(header, "hex"))).toThrow(
		expect.objectContaining({ code: "engine_failed", message: expect.stringContaining(header) }),
	);
});
